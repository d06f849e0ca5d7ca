/*
 * The machine that the stub is. It is read from the file in METAL_STUB_SCENARIO, and changed line by line by tests.
 * A line is a key and its value; lines after `device <registry id>` are about that device.
 */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

EXPORT int metal_stub_load(const char *path);
EXPORT int metal_stub_apply(const char *lines);

static struct machine machine;
static bool loaded;

static struct device_facts *device_of(uint64_t registry) {
  for (int i = 0; i < machine.device_count; i++) {
    if (machine.devices[i].registry == registry) return &machine.devices[i];
  }
  if (machine.device_count == MOST_DEVICES) stub_fault("a scenario has at most %d devices", MOST_DEVICES);
  struct device_facts *device = &machine.devices[machine.device_count++];
  *device = (struct device_facts){
      .registry = registry,
      .name = "A GPU",
      .threads = {1024, 1024, 64},
      .counters = -1,
      .gpu_hertz = 1e9,
      .accelerator = true,
      .utilization = -1,
      .in_use = -1,
      .vram_used = -1,
      .gpu_activity = -1,
      .video_in_use = -1,
      .temperature = -1,
      .power = -1,
      .core_clock = -1,
      .memory_clock = -1,
      .queue_us = 50,
      .gpu_us = 200,
  };
  return device;
}

static void set_families(struct device_facts *device, char *value) {
  device->family_count = 0;
  for (char *each = strtok(value, " "); each != NULL; each = strtok(NULL, " ")) {
    if (device->family_count < MOST_FAMILIES) device->families[device->family_count++] = atol(each);
  }
}

static bool is_yes(const char *value) {
  return strcmp(value, "yes") == 0;
}

static bool set_device_flag(struct device_facts *device, const char *key, const char *value) {
  const struct {
    const char *key;
    bool *flag;
  } flags[] = {{"unified", &device->unified},     {"low-power", &device->low_power},
               {"removable", &device->removable}, {"headless", &device->headless},
               {"removed", &device->removed},     {"accelerator", &device->accelerator}};
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    if (strcmp(key, flags[i].key) != 0) continue;
    *flags[i].flag = is_yes(value);
    return true;
  }
  return false;
}

static bool set_device_number(struct device_facts *device, const char *key, const char *value) {
  const struct {
    const char *key;
    double *number;
  } numbers[] = {{"gpu-hertz", &device->gpu_hertz},
                 {"utilization", &device->utilization},
                 {"gpu-activity", &device->gpu_activity},
                 {"in-use", &device->in_use},
                 {"vram-used", &device->vram_used},
                 {"video-in-use", &device->video_in_use},
                 {"temperature", &device->temperature},
                 {"power", &device->power},
                 {"core-clock", &device->core_clock},
                 {"memory-clock", &device->memory_clock},
                 {"queue-us", &device->queue_us},
                 {"gpu-us", &device->gpu_us}};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (strcmp(key, numbers[i].key) != 0) continue;
    *numbers[i].number = atof(value);
    return true;
  }
  return false;
}

static void set_device(struct device_facts *device, const char *key, char *value) {
  if (set_device_flag(device, key, value) || set_device_number(device, key, value)) return;
  if (strcmp(key, "name") == 0) snprintf(device->name, sizeof device->name, "%s", value);
  else if (strcmp(key, "working-set") == 0) device->working_set = strtoull(value, NULL, 10);
  else if (strcmp(key, "allocated") == 0) device->allocated = strtoull(value, NULL, 10);
  else if (strcmp(key, "families") == 0) set_families(device, value);
  else if (strcmp(key, "error") == 0) device->error = atol(value);
  else if (strcmp(key, "counters") == 0) {
    device->counters = strcmp(value, "stage") == 0 ? 0 : strcmp(value, "dispatch") == 0 ? 2 : -1;
  } else if (strcmp(key, "threads") == 0) {
    sscanf(value, "%lu %lu %lu", &device->threads.width, &device->threads.height, &device->threads.depth);
  } else {
    stub_fault("a scenario has no key \"%s\" of a device", key);
  }
}

static void add_name(char names[MOST_NAMES][64], int *count, const char *name) {
  if (*count == MOST_NAMES) stub_fault("a scenario has at most %d such names", MOST_NAMES);
  snprintf(names[(*count)++], 64, "%s", name);
}

/* `none` in place of a name forgets those before. */
static void set_names(char names[MOST_NAMES][64], int *count, const char *name) {
  if (strcmp(name, "none") == 0) *count = 0;
  else add_name(names, count, name);
}

static struct device_facts *apply(char *line, struct device_facts *device) {
  line += strspn(line, " \t");
  if (*line == '\0' || *line == '#') return device;
  char *value = line + strcspn(line, " ");
  if (*value == ' ') *value++ = '\0';
  if (strcmp(line, "device") == 0) return device_of(strtoull(value, NULL, 10));
  if (strcmp(line, "thermal") == 0) machine.thermal = atol(value);
  else if (strcmp(line, "slept") == 0) machine.slept = atof(value);
  else if (strcmp(line, "nil") == 0) set_names(machine.nil, &machine.nil_count, value);
  else if (strcmp(line, "lacks") == 0) set_names(machine.lacking, &machine.lacking_count, value);
  else if (strcmp(line, "macos") == 0) {
    sscanf(value, "%ld %ld %ld", &machine.macos[0], &machine.macos[1], &machine.macos[2]);
  } else if (device != NULL) {
    set_device(device, line, value);
  } else {
    stub_fault("a scenario has no key \"%s\"", line);
  }
  return device;
}

/* Changes the machine by some lines. */
int metal_stub_apply(const char *lines) {
  loaded = true;
  char *copy = strdup(lines), *rest = copy, *line;
  struct device_facts *device = NULL;
  while ((line = strsep(&rest, "\n")) != NULL) device = apply(line, device);
  free(copy);
  return 0;
}

/* Another machine: the one of a file. -1 where it cannot be read. */
int metal_stub_load(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  char text[16384];
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  machine = (struct machine){.macos = {14, 0, 0}};
  return metal_stub_apply(text);
}

struct machine *stub_machine(void) {
  const char *path = getenv("METAL_STUB_SCENARIO");
  if (!loaded && path != NULL && metal_stub_load(path) != 0) stub_fault("there is no scenario %s", path);
  return &machine;
}

static bool is_named(char names[MOST_NAMES][64], int count, const char *name) {
  for (int i = 0; i < count; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

bool stub_gives_nil(const char *name) {
  struct machine *it = stub_machine();
  return is_named(it->nil, it->nil_count, name);
}

bool stub_lacks(const char *name) {
  struct machine *it = stub_machine();
  return is_named(it->lacking, it->lacking_count, name);
}

uint64_t stub_uptime(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double slept = stub_machine()->slept * 1e9;
  /* From far in the past, so that a scenario may have slept longer than this machine is up. */
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + (1ull << 50) - (uint64_t)slept;
}
