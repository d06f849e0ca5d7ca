/* The Objective-C runtime: classes, selectors, messages, reference counts, autorelease pools. */
#include "stub.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EXPORT id objc_getClass(const char *name);
EXPORT SEL sel_registerName(const char *name);
EXPORT void *objc_autoreleasePoolPush(void);
EXPORT void objc_autoreleasePoolPop(void *token);

enum { MOST_CLASSES = 48, MOST_SELECTORS = 256, MOST_POOLED = 4096, QUARANTINE = 1024 };

void stub_fault(const char *format, ...) {
  va_list values;
  va_start(values, format);
  fputs("metal stub: ", stderr);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
  abort();
}

/* Classes */

static const struct class *classes[MOST_CLASSES];
static int class_count;
static const struct class class_of_classes = {NULL, "Class", NULL, NULL, 0, NULL};

void stub_register(const struct class *class) {
  ((struct class *)class)->isa = &class_of_classes;
  if (class_count == MOST_CLASSES) stub_fault("too many classes");
  classes[class_count++] = class;
}

static void register_all(void) {
  if (class_count > 0) return;
  stub_register_foundation();
  stub_register_metal();
  stub_register_counters();
  stub_register_command_buffers();
}

/* Metal's classes are there once the framework has been loaded: a scenario may say that it has not. */
id objc_getClass(const char *name) {
  register_all();
  if (strncmp(name, "MTL", 3) == 0 && stub_gives_nil("Metal")) return NULL;
  for (int i = 0; i < class_count; i++) {
    if (strcmp(classes[i]->name, name) == 0) return (id)classes[i];
  }
  return NULL;
}

/* Each name once, so that selectors are the same where their addresses are. */
SEL sel_registerName(const char *name) {
  static const char *selectors[MOST_SELECTORS];
  static int count;
  for (int i = 0; i < count; i++) {
    if (strcmp(selectors[i], name) == 0) return selectors[i];
  }
  if (count == MOST_SELECTORS) stub_fault("too many selectors");
  return selectors[count++] = strdup(name);
}

/* Objects */

static long live;

id stub_new(const struct class *class) {
  register_all();
  id object = calloc(1, class->size);
  object->isa = class;
  object->retains = 1;
  live++;
  return object;
}

static bool is_class(id object) {
  return object->isa == &class_of_classes;
}

id stub_retain(id object) {
  if (object != NULL && !is_class(object)) {
    if (object->dead) stub_fault("retained after its deallocation: %s", object->isa->name);
    object->retains++;
  }
  return object;
}

/* The memory of the dead is kept for a while, so that a message to them is seen. */
static void bury(id object) {
  static id graves[QUARANTINE];
  static int next;
  free(graves[next]);
  graves[next] = object;
  next = (next + 1) % QUARANTINE;
}

void stub_release(id object) {
  if (object == NULL || is_class(object)) return;
  if (object->dead) stub_fault("released once too often: %s", object->isa->name);
  if (--object->retains > 0) return;
  if (object->isa->dealloc != NULL) object->isa->dealloc(object);
  object->dead = true;
  live--;
  bury(object);
}

long stub_live_objects(void) {
  return live;
}

/* Autorelease pools: a stack of objects, in which NULL begins a pool. */

static id pooled[MOST_POOLED];
static long pooled_count, pools, unpooled;

id stub_autorelease(id object) {
  if (object == NULL || is_class(object)) return object;
  if (pools == 0) unpooled++; /* macOS prints "autoreleased with no pool in place - just leaking" */
  if (pooled_count == MOST_POOLED) stub_fault("too many objects in autorelease pools");
  pooled[pooled_count++] = object;
  return object;
}

void *objc_autoreleasePoolPush(void) {
  if (pooled_count == MOST_POOLED) stub_fault("too many objects in autorelease pools");
  pooled[pooled_count] = NULL;
  pools++;
  return &pooled[pooled_count++];
}

void objc_autoreleasePoolPop(void *token) {
  id *from = token;
  if (from < pooled || from >= pooled + pooled_count || *from != NULL) stub_fault("popped what is no open pool");
  while (pooled + pooled_count > from) {
    id object = pooled[--pooled_count];
    if (object == NULL) pools--;
    else stub_release(object);
  }
}

long stub_open_pools(void) {
  return pools;
}

long stub_unpooled(void) {
  return unpooled;
}

/* Messages */

static const struct method root_methods[];

static const struct method *method_of(id object, SEL selector) {
  const struct class *class = (const struct class *)object;
  const struct method *own = is_class(object) ? class->class_methods : object->isa->methods;
  for (const struct method *each = own; each != NULL && each->selector != NULL; each++) {
    if (strcmp(each->selector, selector) == 0) return each;
  }
  for (const struct method *each = root_methods; each->selector != NULL; each++) {
    if (strcmp(each->selector, selector) == 0) return each;
  }
  return NULL;
}

static unsigned long responds(id self, SEL selector, SEL asked) {
  (void)selector;
  /* BOOL is one byte: the rest of the register is whatever it was. */
  return 0xabcd00ul | (method_of(self, asked) != NULL && !stub_lacks(asked));
}

static id root_new(id self, SEL selector) {
  (void)selector;
  if (!is_class(self)) stub_fault("new was sent to an instance of %s", self->isa->name);
  return stub_new((const struct class *)self);
}

static id root_retain(id self, SEL selector) {
  (void)selector;
  return stub_retain(self);
}

static void root_release(id self, SEL selector) {
  (void)selector;
  stub_release(self);
}

static const struct method root_methods[] = {
    METHOD("respondsToSelector:", responds), METHOD("new", root_new),         METHOD("retain", root_retain),
    METHOD("release", root_release),         END_OF_METHODS,
};

/* messages.S */
void stub_nothing(void);
void (*stub_method(id object, SEL selector, long structure))(void);

/* What the two entries jump to. Objects that are nil have been answered before. */
void (*stub_method(id object, SEL selector, long structure))(void) {
  if (object->dead && !is_class(object)) stub_fault("%s was sent to a deallocated %s", selector, object->isa->name);
  const char *name = is_class(object) ? ((const struct class *)object)->name : object->isa->name;
  const struct method *method = method_of(object, selector);
  if (pools == 0 && !is_class(object)) stub_fault("%s was sent to %s outside of any autorelease pool", selector, name);
  if (method == NULL || stub_lacks(selector)) stub_fault("unrecognized selector %s sent to %s", selector, name);
#ifdef __x86_64__
  if (method->gives_structure != (structure != 0)) {
    stub_fault("%s of %s was sent through the entry for %s", selector, name, structure ? "structures" : "registers");
  }
#else
  (void)structure;
#endif
  return stub_gives_nil(selector) ? stub_nothing : method->code;
}
