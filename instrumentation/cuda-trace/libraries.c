/*
 * Finds libcupti. It comes with CUDA's toolkit and with Python's wheels, and is not in runtime images; it must not be
 * newer than the driver. In this order:
 *  - the one that ACCELMETER_CUPTI_LIBRARY names, and no other;
 *  - one that is loaded already: two in a process would get in each other's way;
 *  - of the driver's major version, then of older ones, and last of newer ones, so that at least the reason can be said:
 *    by its name, where the system looks; beside the libcudart that the program uses; in the toolkit's folders; in the
 *    folders of Python's wheels.
 */
#include "trace.h"
#include "old-glibc.h"

#include <dlfcn.h>
#include <glob.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

OLD_GLIBC(dlopen);
OLD_GLIBC(dlsym);
OLD_GLIBC(dlclose);
OLD_GLIBC(dladdr);
OLD_GLIBC(dlerror);
OLD_GLIBC(glob);
OLD_GLIBC(globfree);

RING_EXPORT const char *accelmeter_cuda_detail(void);
RING_EXPORT uint32_t accelmeter_cuda_is_loaded(void);
RING_EXPORT const char *accelmeter_cuda_look_for_cupti(void);
RING_EXPORT void accelmeter_cuda_name_libraries(const char *cuda, const char *cupti);

struct cupti cupti;

#define PATH_BYTES 1024u

static char detail[PATH_BYTES];
static _Atomic bool has_detail;

/* Written once or twice in a process's life; a reader that comes at the same moment gets the older words or none. */
void set_detail(const char *format, ...) {
  atomic_store(&has_detail, false);
  va_list values;
  va_start(values, format);
  vsnprintf(detail, sizeof detail, format, values);
  va_end(values);
  atomic_store_explicit(&has_detail, true, memory_order_release);
}

const char *accelmeter_cuda_detail(void) {
  return atomic_load_explicit(&has_detail, memory_order_acquire) ? detail : "";
}

struct search {
  const char *beginning;
  char path[PATH_BYTES];
};

static int has_name(struct dl_phdr_info *library, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  if (library->dlpi_name == NULL) return 0;
  const char *slash = strrchr(library->dlpi_name, '/');
  const char *name = slash == NULL ? library->dlpi_name : slash + 1;
  if (strncmp(name, search->beginning, strlen(search->beginning)) != 0) return 0;
  snprintf(search->path, sizeof search->path, "%s", library->dlpi_name);
  return 1;
}

static bool path_of_loaded(const char *beginning, char path[PATH_BYTES]) {
  struct search search = {.beginning = beginning};
  if (dl_iterate_phdr(has_name, &search) == 0) return false;
  memcpy(path, search.path, PATH_BYTES);
  return true;
}

/* A library that is loaded already, by how its file name begins; NULL where there is none. */
static void *loaded_library(const char *beginning) {
  char path[PATH_BYTES];
  return path_of_loaded(beginning, path) ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

/* Where the program itself has named them; "" where the environment decides. */
static char named_cuda[PATH_BYTES], named_cupti[PATH_BYTES];

void accelmeter_cuda_name_libraries(const char *cuda, const char *cupti_path) {
  snprintf(named_cuda, sizeof named_cuda, "%s", cuda);
  snprintf(named_cupti, sizeof named_cupti, "%s", cupti_path);
}

/* NULL where nobody has named one. Reads the environment: for who calls us, never for our thread. */
static const char *name_of(const char *named, const char *variable) {
  if (named[0] != '\0') return named;
  const char *value = getenv(variable);
  return value != NULL && *value != '\0' ? value : NULL;
}

/* Each "" where nobody has said. */
static struct places {
  char cuda[PATH_BYTES], cupti[PATH_BYTES];
  char toolkits[2][PATH_BYTES], wheels[2][PATH_BYTES];
} places;

static void copy(char place[PATH_BYTES], const char *value) {
  snprintf(place, PATH_BYTES, "%s", value != NULL ? value : "");
}

void read_places(void) {
  copy(places.cuda, name_of(named_cuda, "ACCELMETER_CUDA_LIBRARY"));
  copy(places.cupti, name_of(named_cupti, "ACCELMETER_CUPTI_LIBRARY"));
  copy(places.toolkits[0], getenv("CUDA_HOME"));
  copy(places.toolkits[1], getenv("CUDA_PATH"));
  copy(places.wheels[0], getenv("VIRTUAL_ENV"));
  copy(places.wheels[1], getenv("CONDA_PREFIX"));
}

void *loaded_cuda(void) {
  return places.cuda[0] != '\0' ? dlopen(places.cuda, RTLD_LAZY | RTLD_NOLOAD) : loaded_library("libcuda.so");
}

/* 1 where this process has loaded CUDA's driver. Does not wait where a library is just being loaded. */
uint32_t accelmeter_cuda_is_loaded(void) {
  const char *named = name_of(named_cuda, "ACCELMETER_CUDA_LIBRARY");
  const char *slash = named == NULL ? NULL : strrchr(named, '/');
  char path[PATH_BYTES];
  return path_of_loaded(slash != NULL ? slash + 1 : named != NULL ? named : "libcuda.so", path);
}

/* 12 for a driver of CUDA 12.4; 0 where no driver is loaded. Needs no CUDA to be started. */
static int driver_major(void) {
  void *cuda = loaded_cuda();
  int (*ask)(int *) = NULL;
  if (cuda != NULL) *(void **)(&ask) = dlsym(cuda, "cuDriverGetVersion");
  int version = 0;
  return ask != NULL && ask(&version) == 0 ? version / 1000 : 0;
}

/* The path of a file that is there but cannot be loaded, and why: said if no other can be. */
static char broken[PATH_BYTES];

static void *try_path(const char *path) {
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (library == NULL && broken[0] == '\0' && access(path, F_OK) == 0) {
    const char *words = dlerror();
    snprintf(broken, sizeof broken, "%s", words != NULL ? words : path);
  }
  return library;
}

/* The last match is the newest of folders that are named by their versions. */
static void *try_pattern(const char *pattern) {
  glob_t found;
  if (glob(pattern, 0, NULL, &found) != 0) return NULL;
  void *library = NULL;
  for (size_t i = found.gl_pathc; i > 0 && library == NULL; i--) library = try_path(found.gl_pathv[i - 1]);
  globfree(&found);
  return library;
}

static void *try_folder(const char *folder, const char *below, const char *name) {
  char pattern[PATH_BYTES];
  int length = snprintf(pattern, sizeof pattern, "%s%s/%s", folder, below, name);
  return length > 0 && (size_t)length < sizeof pattern ? try_pattern(pattern) : NULL;
}

/* Where a libcudart lies there is CUPTI, in the toolkit; in a wheel of Python it is a neighbour. */
static void *try_beside_runtime(const char *name) {
  static const char *const below[] = {"", "/../extras/CUPTI/lib64", "/../../cuda_cupti/lib"};
  char path[PATH_BYTES];
  if (!path_of_loaded("libcudart", path)) return NULL;
  char *slash = strrchr(path, '/');
  if (slash == NULL) return NULL;
  *slash = '\0';
  void *library = NULL;
  for (size_t i = 0; i < sizeof below / sizeof *below && library == NULL; i++) {
    library = try_folder(path, below[i], name);
  }
  return library;
}

/* In each folder that is given and absolute, below each of some paths. */
static void *try_folders(const char *const *folders, size_t folder_count, const char *const *below, size_t below_count,
                         const char *name) {
  for (size_t i = 0; i < folder_count; i++) {
    if (folders[i][0] != '/') continue;
    for (size_t j = 0; j < below_count; j++) {
      void *library = try_folder(folders[i], below[j], name);
      if (library != NULL) return library;
    }
  }
  return NULL;
}
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void *try_toolkits(const char *name) {
  const char *folders[] = {places.toolkits[0],  places.toolkits[1], "/usr/local/cuda",
                           "/usr/local/cuda-*", "/opt/cuda",        "/opt/nvidia/hpc_sdk/*/*/cuda"};
  const char *below[] = {"/lib64", "/extras/CUPTI/lib64", "/targets/*/lib", "/lib"};
  return try_folders(folders, COUNT(folders), below, COUNT(below), name);
}

static void *try_wheels(const char *name) {
  const char *folders[] = {places.wheels[0], places.wheels[1], "/usr/local", "/usr", "/opt/conda", "/opt/venv"};
  const char *below[] = {"/lib/python3*/site-packages/nvidia/cuda_cupti/lib",
                         "/lib/python3*/dist-packages/nvidia/cuda_cupti/lib",
                         "/lib/python3*/site-packages/nvidia/cu1*/lib",
                         "/lib/python3*/dist-packages/nvidia/cu1*/lib", "/lib"};
  return try_folders(folders, COUNT(folders), below, COUNT(below), name);
}

static void *try_major(int major) {
  char names[10][24]; /* CUDA 11's library is called by its minor version too; 11.8 was its last */
  size_t count = 0;
  if (major == 11) {
    for (int minor = 8; minor >= 0; minor--) snprintf(names[count++], sizeof names[0], "libcupti.so.11.%d", minor);
  } else {
    snprintf(names[count++], sizeof names[0], "libcupti.so.%d", major);
  }
  void *(*const tries[])(const char *) = {try_path, try_beside_runtime, try_toolkits, try_wheels};
  for (size_t attempt = 0; attempt < COUNT(tries); attempt++) {
    for (size_t i = 0; i < count; i++) {
      void *library = tries[attempt](names[i]);
      if (library != NULL) return library;
    }
  }
  return NULL;
}

#define NEWEST_MAJOR 14
#define OLDEST_MAJOR 11

static void *find_cupti(void) {
  if (places.cupti[0] != '\0') return try_path(places.cupti);
  void *library = loaded_library("libcupti.so");
  int driver = driver_major();
  if (driver < OLDEST_MAJOR || driver > NEWEST_MAJOR) driver = NEWEST_MAJOR;
  for (int major = driver; major >= OLDEST_MAJOR && library == NULL; major--) library = try_major(major);
  for (int major = driver + 1; major <= NEWEST_MAJOR && library == NULL; major++) library = try_major(major);
  return library;
}

static bool bind(void *library, const char *symbol, void *function) {
  void *found = dlsym(library, symbol);
  memcpy(function, &found, sizeof found);
  return found != NULL;
}

/* False where one of those is missing that every libcupti since CUDA 11 has. */
static bool bind_all(void *library) {
  bind(library, "cuptiGetVersion", &cupti.version);
  bind(library, "cuptiActivitySetAttribute", &cupti.set_attribute);
  bind(library, "cuptiActivityEnableLatencyTimestamps", &cupti.latency_timestamps);
  bind(library, "cuptiEnableCallback", &cupti.enable_callback);
  bind(library, "cuptiGetResultString", &cupti.result_string);
  return bind(library, "cuptiSubscribe", &cupti.subscribe) && bind(library, "cuptiUnsubscribe", &cupti.unsubscribe) &&
         bind(library, "cuptiActivityRegisterCallbacks", &cupti.register_callbacks) &&
         bind(library, "cuptiActivityEnable", &cupti.enable) &&
         bind(library, "cuptiActivityDisable", &cupti.disable) &&
         bind(library, "cuptiActivityFlushAll", &cupti.flush) &&
         bind(library, "cuptiActivityGetNextRecord", &cupti.next_record) &&
         bind(library, "cuptiGetTimestamp", &cupti.timestamp) &&
         bind(library, "cuptiActivityGetNumDroppedRecords", &cupti.dropped);
}

static uint32_t version;
uint32_t cupti_version(void) { return version; }

enum outcome open_cupti(void) {
  broken[0] = '\0';
  void *library = find_cupti();
  if (library == NULL) {
    set_detail("%s", broken[0] != '\0' ? broken : places.cupti);
    return broken[0] == '\0' ? OUTCOME_NO_CUPTI : OUTCOME_BROKEN_CUPTI;
  }
  bool whole = bind_all(library);
  Dl_info info = {0};
  void *function = NULL;
  memcpy(&function, &cupti.subscribe, sizeof function);
  const char *path = function != NULL && dladdr(function, &info) != 0 && info.dli_fname != NULL ? info.dli_fname : "libcupti";
  set_detail(whole ? "%s" : "%s is too old", path);
  if (!whole) return OUTCOME_BROKEN_CUPTI;
  if (cupti.version != NULL) cupti.version(&version);
  return OUTCOME_TRACING;
}

/*
 * For who wants to know before any program has used CUDA: "" where a libcupti can be loaded, NULL where none is there,
 * else why not. Loads it, which takes some milliseconds, calls nothing of it, and gives it back.
 */
const char *accelmeter_cuda_look_for_cupti(void) {
  read_places();
  broken[0] = '\0';
  void *library = find_cupti();
  if (library == NULL) return broken[0] == '\0' ? NULL : broken;
  dlclose(library);
  return "";
}
