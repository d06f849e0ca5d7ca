/*
 * A stub of NVML that answers what a scenario says: the file that ACCELMETER_STUB_NVML names, read again whenever it is
 * changed. It is no model of a GPU: it knows no values, only how NVML's functions are called.
 *
 * One line for each answer:
 *
 *     nvmlDeviceGetName@0 0 text:"NVIDIA H200"       the code, and what is written
 *     nvmlDeviceGetClockInfo@0,1 0 u32:1980          with what was asked for
 *     field@0,83 0 u64:1000+250                      250 more at each call; a field or a GPM value (gpm@0,2 0 f64:55)
 *     nvmlDeviceGetMemoryInfo_v2@0/2 0 ...           of the third MIG instance of the first GPU
 *     processes@0 0 size:24 1234:1048576 parent:4096 what computes; "parent" is the service that asks
 *     event@0 79                                     an XID, told once after the file was read
 *
 * What is not in it is not supported (3); functions of devices that are not counted answer 2. And lines of faults:
 *
 *     hang nvmlDeviceGetName 30     sleeps so many seconds in each call of that function
 *     at 50 lost 0                  from the 50th call on the GPU is lost (15); "at 50 code 18" answers so for all
 *     at 50 fails 0 999             from then on each call on the GPU answers 999, after its handle and UUID
 *     crash nvmlDeviceGetName       and "abort"
 *     print nvmlDeviceGetName       a line to stdout
 *     fork nvmlDeviceGetName        a child, which lives for 5 s
 *
 * With -DOLD it lacks what drivers of 2020 lack.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST_LINES 4096
#define NOT_SUPPORTED 3

struct line {
  char *key;
  char *rest;
  uint32_t asked;
  bool told;
};

static struct line lines[MOST_LINES];
static int line_count;
static char *text;
static struct timespec read_at;
static uint64_t calls;

static void load(void) {
  const char *path = getenv("ACCELMETER_STUB_NVML");
  struct stat file;
  if (path == NULL || stat(path, &file) != 0) return;
  if (text != NULL && file.st_mtim.tv_sec == read_at.tv_sec && file.st_mtim.tv_nsec == read_at.tv_nsec) return;
  read_at = file.st_mtim;
  FILE *stream = fopen(path, "r");
  if (stream == NULL) return;
  free(text);
  text = calloc(1, (size_t)file.st_size + 1);
  if (fread(text, 1, (size_t)file.st_size, stream) != (size_t)file.st_size) text[0] = '\0';
  fclose(stream);
  line_count = 0;
  calls = 0;
  for (char *line = strtok(text, "\n"); line != NULL && line_count < MOST_LINES; line = strtok(NULL, "\n")) {
    if (line[0] == '#') continue;
    char *space = strchr(line, ' ');
    if (space == NULL) continue;
    *space = '\0';
    lines[line_count++] = (struct line){.key = line, .rest = space + 1};
  }
}

static struct line *find(const char *key) {
  for (int i = 0; i < line_count; i++)
    if (strcmp(lines[i].key, key) == 0) return &lines[i];
  return NULL;
}

/* Appends what a token says; more at each call where it has a plus. */
static size_t put_token(const char *token, uint32_t asked, uint8_t *out) {
  if (strncmp(token, "text:", 5) == 0) {
    const char *from = token + 6; /* after the quote */
    size_t length = strcspn(from, "\"");
    memcpy(out, from, length);
    out[length] = '\0';
    return length + 1;
  }
  if (strncmp(token, "hex:", 4) == 0) {
    size_t length = 0;
    for (const char *at = token + 4; at[0] > ' ' && at[1] > ' '; at += 2) {
      unsigned byte;
      sscanf(at, "%2x", &byte);
      out[length++] = (uint8_t)byte;
    }
    return length;
  }
  char *end;
  if (strncmp(token, "f64:", 4) == 0) {
    double value = strtod(token + 4, NULL);
    memcpy(out, &value, 8);
    return 8;
  }
  bool is_long = strncmp(token, "u64:", 4) == 0;
  bool is_signed = strncmp(token, "i32:", 4) == 0;
  uint64_t value = is_signed ? (uint64_t)strtoll(token + 4, &end, 0) : strtoull(token + 4, &end, 0);
  if (*end == '+') value += asked * strtoull(end + 1, NULL, 0);
  memcpy(out, &value, is_long ? 8 : 4);
  return is_long ? 8 : 4;
}

/* The tokens after the code, one after the other; a text may hold spaces. */
static size_t put(struct line *line, uint8_t *out) {
  size_t length = 0;
  const char *at = strchr(line->rest, ' ');
  while (at != NULL) {
    at++;
    length += put_token(at, line->asked, out + length);
    const char *quote = strncmp(at, "text:", 5) == 0 ? strchr(at + 6, '"') : NULL;
    at = strchr(quote != NULL ? quote : at, ' ');
  }
  line->asked++;
  return length;
}

/* ---- handles: 0x1000 + GPU, and 0x100 more for each MIG instance ---- */

static int gpu_of(uintptr_t handle) { return (int)(handle & 0xff); }
static int instance_of(uintptr_t handle) { return (int)((handle >> 8) & 0xf) - 1; }

static void device_key(char *key, size_t room, const char *name, uintptr_t handle) {
  if (instance_of(handle) < 0) snprintf(key, room, "%s@%d", name, gpu_of(handle));
  else snprintf(key, room, "%s@%d/%d", name, gpu_of(handle), instance_of(handle));
}

/* ---- faults ---- */

static int fault(const char *name, int gpu) {
  for (int i = 0; i < line_count; i++) {
    char function[96];
    unsigned seconds, from;
    int what;
    const struct line *line = &lines[i];
    if (strcmp(line->key, "hang") == 0 && sscanf(line->rest, "%95s %u", function, &seconds) == 2 &&
        strcmp(function, name) == 0)
      sleep(seconds);
    if (strcmp(line->key, "crash") == 0 && strcmp(line->rest, name) == 0) *(volatile int *)NULL = 0;
    if (strcmp(line->key, "abort") == 0 && strcmp(line->rest, name) == 0) {
      fprintf(stderr, "nvml: assertion failed\n");
      abort();
    }
    if (strcmp(line->key, "print") == 0 && strcmp(line->rest, name) == 0) {
      printf("nvml: printed\n");
      fflush(stdout);
    }
    if (strcmp(line->key, "fork") == 0 && strcmp(line->rest, name) == 0 && fork() == 0) {
      sleep(5);
      _exit(0);
    }
    if (strcmp(line->key, "at") != 0) continue;
    if (sscanf(line->rest, "%u lost %d", &from, &what) == 2 && calls >= from && what == gpu) return 15;
    int code;
    bool is_identity = strcmp(name, "nvmlDeviceGetHandleByIndex_v2") == 0 || strcmp(name, "nvmlDeviceGetUUID") == 0;
    if (sscanf(line->rest, "%u fails %d %d", &from, &what, &code) == 3 && calls >= from && what == gpu && !is_identity)
      return code;
    if (sscanf(line->rest, "%u code %d", &from, &what) == 2 && calls >= from) return what;
  }
  return 0;
}

static int enter(const char *name, int gpu) {
  load();
  calls++;
  return fault(name, gpu);
}

/* The code of a line, and what it says into `out`. */
static int answer(const char *key, void *out, size_t *length) {
  struct line *line = find(key);
  if (line == NULL) return NOT_SUPPORTED;
  int code = atoi(line->rest);
  size_t put_bytes = code == 0 ? put(line, out) : 0;
  if (length != NULL) *length = put_bytes;
  return code;
}

static uint32_t device_count(void) {
  uint32_t count = 0;
  answer("nvmlDeviceGetCount_v2@", &count, NULL);
  return count;
}

static int of_device(const char *name, uintptr_t handle, const char *more, void *out, size_t *length) {
  int code = enter(name, gpu_of(handle));
  if (code != 0) return code;
  if (handle < 0x1000 || (uint32_t)gpu_of(handle) >= device_count()) return 2;
  char key[128];
  device_key(key, sizeof key, name, handle);
  strncat(key, more, sizeof key - strlen(key) - 1);
  return answer(key, out, length);
}

#define SYSTEM_TEXT(name)                                                                                              \
  EXPORT int name(char *out, unsigned room) {                                                                          \
    (void)room;                                                                                                        \
    int code = enter(#name, -1);                                                                                       \
    return code != 0 ? code : answer(#name "@", out, NULL);                                                            \
  }
#define DEVICE(name)                                                                                                   \
  EXPORT int name(uintptr_t device, void *out) { return of_device(#name, device, "", out, NULL); }
#define DEVICE_TEXT(name)                                                                                              \
  EXPORT int name(uintptr_t device, char *out, unsigned room) {                                                        \
    (void)room;                                                                                                        \
    return of_device(#name, device, "", out, NULL);                                                                    \
  }
#define DEVICE_NUMBER(name)                                                                                            \
  EXPORT int name(uintptr_t device, unsigned number, void *out) {                                                      \
    char more[16];                                                                                                     \
    snprintf(more, sizeof more, ",%u", number);                                                                        \
    return of_device(#name, device, more, out, NULL);                                                                  \
  }
#define DEVICE_PAIR(name)                                                                                              \
  EXPORT int name(uintptr_t device, uint32_t *first, uint32_t *second) {                                               \
    uint32_t both[2] = {0};                                                                                            \
    int code = of_device(#name, device, "", both, NULL);                                                               \
    if (code != 0) return code;                                                                                        \
    *first = both[0];                                                                                                  \
    *second = both[1];                                                                                                 \
    return 0;                                                                                                          \
  }
/* Of a structure the caller must say which version it is; the answer stands after that. */
#define DEVICE_VERSIONED(name, bytes, number, skip)                                                                    \
  EXPORT int name(uintptr_t device, uint32_t *structure) {                                                             \
    if (structure[0] != ((bytes) | ((uint32_t)(number) << 24))) return 25;                                             \
    return of_device(#name, device, "", (uint8_t *)structure + (skip), NULL);                                          \
  }

#ifndef OLD
EXPORT int nvmlInit_v2(void) {
  int code = enter("nvmlInit_v2", -1);
  return code != 0 ? code : answer("nvmlInit_v2@", NULL, NULL);
}
#endif
EXPORT int nvmlInit(void) {
  int code = enter("nvmlInit", -1);
  return code != 0 ? code : answer("nvmlInit_v2@", NULL, NULL);
}
SYSTEM_TEXT(nvmlSystemGetDriverVersion)
SYSTEM_TEXT(nvmlSystemGetNVMLVersion)
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  int code = enter("nvmlSystemGetCudaDriverVersion_v2", -1);
  return code != 0 ? code : answer("nvmlSystemGetCudaDriverVersion_v2@", version, NULL);
}
EXPORT int nvmlDeviceGetCount_v2(uint32_t *count) {
  int code = enter("nvmlDeviceGetCount_v2", -1);
  return code != 0 ? code : answer("nvmlDeviceGetCount_v2@", count, NULL);
}
/* A line "nvmlDeviceGetHandleByIndex_v2@1 15" refuses one. */
EXPORT int nvmlDeviceGetHandleByIndex_v2(uint32_t index, uintptr_t *handle) {
  int code = enter("nvmlDeviceGetHandleByIndex_v2", (int)index);
  if (code != 0) return code;
  if (index >= device_count()) return 2;
  char key[64];
  snprintf(key, sizeof key, "nvmlDeviceGetHandleByIndex_v2@%u", index);
  struct line *line = find(key);
  if (line != NULL && atoi(line->rest) != 0) return atoi(line->rest);
  *handle = 0x1000 + index;
  return 0;
}

DEVICE_TEXT(nvmlDeviceGetUUID)
DEVICE_TEXT(nvmlDeviceGetName)
DEVICE_TEXT(nvmlDeviceGetSerial)
DEVICE(nvmlDeviceGetPciInfo_v3)
DEVICE_PAIR(nvmlDeviceGetMigMode)
DEVICE(nvmlDeviceGetMaxMigDeviceCount)
DEVICE(nvmlDeviceGetGpuInstanceId)
DEVICE(nvmlDeviceGetComputeInstanceId)
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(uintptr_t device, uint32_t index, uintptr_t *handle) {
  char more[16];
  snprintf(more, sizeof more, "/%u", index);
  int code = enter("nvmlDeviceGetMigDeviceHandleByIndex", gpu_of(device));
  if (code != 0) return code;
  char key[64];
  snprintf(key, sizeof key, "nvmlDeviceGetUUID@%d%s", gpu_of(device), more);
  if (find(key) == NULL) return 6;
  *handle = device + 0x100 * (index + 1);
  return 0;
}

DEVICE(nvmlDeviceGetUtilizationRates)
DEVICE_PAIR(nvmlDeviceGetEncoderUtilization)
DEVICE_PAIR(nvmlDeviceGetDecoderUtilization)
DEVICE(nvmlDeviceGetMemoryInfo)
#ifndef OLD
DEVICE_VERSIONED(nvmlDeviceGetMemoryInfo_v2, 40, 2, 8)
DEVICE_VERSIONED(nvmlDeviceGetMarginTemperature, 8, 1, 4)
DEVICE_VERSIONED(nvmlDeviceGetTemperatureV, 12, 1, 8)
DEVICE(nvmlDeviceGetCurrentClocksEventReasons)
DEVICE_NUMBER(nvmlDeviceGetFanSpeed_v2)
DEVICE(nvmlDeviceGetNumFans)
DEVICE(nvmlDeviceGetEnforcedPowerLimit)
#endif
DEVICE_NUMBER(nvmlDeviceGetTemperature)
DEVICE_NUMBER(nvmlDeviceGetTemperatureThreshold)
DEVICE(nvmlDeviceGetPowerUsage)
DEVICE(nvmlDeviceGetPowerManagementLimit)
DEVICE(nvmlDeviceGetTotalEnergyConsumption)
DEVICE_NUMBER(nvmlDeviceGetClockInfo)
DEVICE_NUMBER(nvmlDeviceGetMaxClockInfo)
DEVICE(nvmlDeviceGetCurrentClocksThrottleReasons)
DEVICE(nvmlDeviceGetCurrPcieLinkGeneration)
DEVICE(nvmlDeviceGetCurrPcieLinkWidth)
DEVICE(nvmlDeviceGetMaxPcieLinkGeneration)
DEVICE(nvmlDeviceGetMaxPcieLinkWidth)
DEVICE(nvmlDeviceGetPcieReplayCounter)
DEVICE(nvmlDeviceGetFanSpeed)
EXPORT int nvmlDeviceGetTotalEccErrors(uintptr_t device, uint32_t kind, uint32_t since, uint64_t *count) {
  char more[32];
  snprintf(more, sizeof more, ",%u,%u", kind, since);
  return of_device("nvmlDeviceGetTotalEccErrors", device, more, count, NULL);
}
EXPORT int nvmlDeviceGetRemappedRows(uintptr_t device, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
  uint32_t all[4] = {0};
  int code = of_device("nvmlDeviceGetRemappedRows", device, "", all, NULL);
  if (code == 0) *a = all[0], *b = all[1], *c = all[2], *d = all[3];
  return code;
}

struct field_value {
  uint32_t number, scope;
  int64_t timestamp, latency;
  uint32_t type, code;
  uint8_t value[8];
};

#ifndef WITHOUT_FIELDS
EXPORT int nvmlDeviceGetFieldValues(uintptr_t device, int count, struct field_value *values) {
  int code = enter("nvmlDeviceGetFieldValues", gpu_of(device));
  if (code != 0) return code;
  for (int i = 0; i < count; i++) {
    char key[64], name[40];
    device_key(name, sizeof name, "field", device);
    snprintf(key, sizeof key, "%s,%u", name, values[i].number);
    const struct line *line = find(key);
    const char *token = line == NULL ? NULL : strchr(line->rest, ' ');
    values[i].code = (uint32_t)answer(key, values[i].value, NULL);
    values[i].type = token == NULL ? 1 : token[1] == 'f' ? 0 : token[1] == 'i' ? 5 : token[2] == '6' ? 3 : 1;
    values[i].latency = 7;
  }
  return 0;
}
#endif

/* "size:24 pid:bytes ...", or "count:4000000000 hex:..." for what makes no sense. */
static int processes(const char *name, uintptr_t device, uint32_t *count, uint8_t *entries) {
  int code = enter(name, gpu_of(device));
  if (code != 0) return code;
  char key[64];
  device_key(key, sizeof key, strstr(name, "Graphics") ? "drawing" : "processes", device);
  struct line *line = find(key);
  if (line == NULL) return *count = 0, 0;
  if (atoi(line->rest) != 0) return atoi(line->rest);
  uint32_t size = 24, room = *count;
  char copy[2048];
  snprintf(copy, sizeof copy, "%s", line->rest);
  *count = 0;
  char *rest;
  for (char *token = strtok_r(copy, " ", &rest); token != NULL; token = strtok_r(NULL, " ", &rest)) {
    char pid[32];
    unsigned long long bytes;
    if (sscanf(token, "size:%u", &size) == 1) continue;
    if (sscanf(token, "count:%u", count) == 1) continue;
    if (strncmp(token, "hex:", 4) == 0) {
      put_token(token, 0, entries);
      continue;
    }
    if (sscanf(token, "%31[^:]:%llu", pid, &bytes) != 2) continue;
    if (*count >= room) return 7;
    uint8_t *entry = entries + (size_t)*count * size;
    uint32_t number = strcmp(pid, "parent") == 0 ? (uint32_t)getppid() : (uint32_t)strtoul(pid, NULL, 0);
    memset(entry, 0, size);
    memcpy(entry, &number, 4);
    memcpy(entry + 8, &bytes, 8);
    if (size >= 24) memset(entry + 16, 0xff, 8); /* no instance */
    (*count)++;
  }
  return 0;
}
#ifdef OLD
EXPORT int nvmlDeviceGetComputeRunningProcesses(uintptr_t device, uint32_t *count, uint8_t *entries) {
  return processes("nvmlDeviceGetComputeRunningProcesses", device, count, entries);
}
#else
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(uintptr_t device, uint32_t *count, uint8_t *entries) {
  return processes("nvmlDeviceGetComputeRunningProcesses_v3", device, count, entries);
}
EXPORT int nvmlDeviceGetGraphicsRunningProcesses_v3(uintptr_t device, uint32_t *count, uint8_t *entries) {
  return processes("nvmlDeviceGetGraphicsRunningProcesses_v3", device, count, entries);
}
#endif

struct event {
  uintptr_t device;
  uint64_t kind, data;
  uint32_t instances[2];
};

EXPORT int nvmlEventSetCreate(uintptr_t *set) {
  int code = enter("nvmlEventSetCreate", -1);
  *set = 0xe000;
  return code;
}
/* GPUs whose events are followed. */
static uint64_t registered;

EXPORT int nvmlDeviceRegisterEvents(uintptr_t device, uint64_t kinds, uintptr_t set) {
  (void)kinds;
  int code = enter("nvmlDeviceRegisterEvents", gpu_of(device));
  if (code != 0) return code;
  if (set != 0xe000) return 2;
  char key[64];
  device_key(key, sizeof key, "nvmlDeviceRegisterEvents", device);
  struct line *line = find(key);
  if (line != NULL && atoi(line->rest) != 0) return atoi(line->rest);
  if (registered & 1ull << (gpu_of(device) & 63)) {
    fprintf(stderr, "nvml: events of one GPU were asked for twice\n");
    abort();
  }
  registered |= 1ull << (gpu_of(device) & 63);
  return 0;
}
/* Where a GPU of the set is lost, the set is. */
EXPORT int nvmlEventSetWait_v2(uintptr_t set, struct event *event, unsigned milliseconds) {
  int code = enter("nvmlEventSetWait_v2", -1);
  for (uint32_t gpu = 0; code == 0 && gpu < device_count(); gpu++) code = fault("nvmlEventSetWait_v2", (int)gpu);
  if (code != 0) return code;
  if (set != 0xe000) return 2;
  for (int i = 0; i < line_count; i++) {
    int gpu;
    if (sscanf(lines[i].key, "event@%d", &gpu) != 1 || lines[i].told) continue;
    lines[i].told = true;
    *event = (struct event){0x1000 + (uintptr_t)gpu, 8, strtoull(lines[i].rest, NULL, 0), {~0u, ~0u}};
    return 0;
  }
  usleep(milliseconds * 1000);
  return 10;
}

struct gpm_metric {
  uint32_t number, code;
  double value;
  void *words[3];
};
struct gpm_request {
  uint32_t version, count;
  uintptr_t samples[2];
  struct gpm_metric metrics[];
};

#ifndef OLD
/* A sample is a number, and of which device it was taken last. */
static uintptr_t sample_of[64];
static uint32_t sample_count;
static int samples_held;

EXPORT int nvmlGpmQueryDeviceSupport(uintptr_t device, uint32_t *support) {
  if (support[0] != 1) return 25;
  return of_device("nvmlGpmQueryDeviceSupport", device, "", &support[1], NULL);
}
EXPORT int nvmlGpmSampleAlloc(uintptr_t *sample) {
  int code = enter("nvmlGpmSampleAlloc", -1);
  if (samples_held >= 8) return 20; /* who forgets to free them is soon told */
  samples_held++;
  *sample = 0x5000 + sample_count++ % 64;
  return code;
}
EXPORT int nvmlGpmSampleFree(uintptr_t sample) {
  if (sample < 0x5000 || sample >= 0x5040) return 2;
  samples_held--;
  return enter("nvmlGpmSampleFree", -1);
}
EXPORT int nvmlGpmSampleGet(uintptr_t device, uintptr_t sample) {
  int code = enter("nvmlGpmSampleGet", gpu_of(device));
  if (code == 0) sample_of[sample & 63] = device;
  return code;
}
EXPORT int nvmlGpmMigSampleGet(uintptr_t device, uint32_t instance, uintptr_t sample) {
  int code = enter("nvmlGpmMigSampleGet", gpu_of(device));
  for (uint32_t number = 0; code == 0 && number < 8; number++) {
    char key[64];
    snprintf(key, sizeof key, "nvmlDeviceGetGpuInstanceId@%d/%u", gpu_of(device), number);
    uint32_t its = ~0u;
    if (answer(key, &its, NULL) == 0 && its == instance) sample_of[sample & 63] = device + 0x100 * (number + 1);
  }
  return code;
}
EXPORT int nvmlGpmMetricsGet(struct gpm_request *request) {
  if (request->version != 1) return 25;
  uintptr_t device = sample_of[request->samples[1] & 63];
  int code = enter("nvmlGpmMetricsGet", gpu_of(device));
  if (code != 0) return code;
  if (request->samples[0] == request->samples[1] || sample_of[request->samples[0] & 63] != device) return 2;
  for (uint32_t i = 0; i < request->count; i++) {
    char key[64], name[40];
    device_key(name, sizeof name, "gpm", device);
    snprintf(key, sizeof key, "%s,%u", name, request->metrics[i].number);
    request->metrics[i].code = (uint32_t)answer(key, &request->metrics[i].value, NULL);
  }
  return 0;
}
#endif
