/* As much of Foundation as Metal's calls give and take. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

/* NSString */

struct string {
  struct object head;
  char *text;
};

static void string_dealloc(id self) {
  free(((struct string *)self)->text);
}

static const char *string_utf8(id self, SEL selector) {
  (void)selector;
  return ((struct string *)self)->text;
}

static id string_with_utf8(id self, SEL selector, const char *text) {
  (void)self, (void)selector;
  return stub_string(text);
}

static const struct method string_class_methods[] = {METHOD("stringWithUTF8String:", string_with_utf8), END_OF_METHODS};
static const struct method string_methods[] = {METHOD("UTF8String", string_utf8), END_OF_METHODS};
static struct class string_class = {
    NULL, "NSString", string_class_methods, string_methods, sizeof(struct string), string_dealloc};

id stub_string(const char *text) {
  struct string *string = (struct string *)stub_new(&string_class);
  string->text = strdup(text);
  return stub_autorelease(&string->head);
}

const char *stub_text(id string) {
  return ((struct string *)string)->text;
}

/* NSArray */

struct array {
  struct object head;
  size_t count;
  id objects[16];
};

static void array_dealloc(id self) {
  struct array *array = (struct array *)self;
  for (size_t i = 0; i < array->count; i++) stub_release(array->objects[i]);
}

static unsigned long array_count(id self, SEL selector) {
  (void)selector;
  return ((struct array *)self)->count;
}

static id array_object(id self, SEL selector, unsigned long index) {
  (void)selector;
  struct array *array = (struct array *)self;
  if (index >= array->count) stub_fault("index %lu beyond bounds of %zu", index, array->count);
  return array->objects[index];
}

static const struct method array_methods[] = {
    METHOD("count", array_count), METHOD("objectAtIndex:", array_object), END_OF_METHODS};
static struct class array_class = {NULL, "NSArray", NULL, array_methods, sizeof(struct array), array_dealloc};

id stub_array(const id *objects, size_t count) {
  struct array *array = (struct array *)stub_new(&array_class);
  array->count = count;
  for (size_t i = 0; i < count; i++) array->objects[i] = stub_retain(objects[i]);
  return &array->head;
}

/* NSError */

struct error {
  struct object head;
  id domain, description;
  long code;
};

static void error_dealloc(id self) {
  stub_release(((struct error *)self)->domain);
  stub_release(((struct error *)self)->description);
}

static long error_code(id self, SEL selector) {
  (void)selector;
  return ((struct error *)self)->code;
}

static id error_domain(id self, SEL selector) {
  (void)selector;
  return ((struct error *)self)->domain;
}

static id error_description(id self, SEL selector) {
  (void)selector;
  return ((struct error *)self)->description;
}

static const struct method error_methods[] = {
    METHOD("code", error_code),
    METHOD("domain", error_domain),
    METHOD("localizedDescription", error_description),
    END_OF_METHODS,
};
static struct class error_class = {NULL, "NSError", NULL, error_methods, sizeof(struct error), error_dealloc};

id stub_error(const char *domain, long code, const char *text) {
  struct error *error = (struct error *)stub_new(&error_class);
  error->domain = stub_retain(stub_string(domain));
  error->description = stub_retain(stub_string(text));
  error->code = code;
  return stub_autorelease(&error->head);
}

/* NSData */

struct data {
  struct object head;
  void *bytes;
  size_t length;
};

static void data_dealloc(id self) {
  free(((struct data *)self)->bytes);
}

static unsigned long data_length(id self, SEL selector) {
  (void)selector;
  return ((struct data *)self)->length;
}

static void data_get_bytes(id self, SEL selector, void *bytes, unsigned long length) {
  (void)selector;
  struct data *data = (struct data *)self;
  memcpy(bytes, data->bytes, length < data->length ? length : data->length);
}

static const struct method data_methods[] = {
    METHOD("length", data_length), METHOD("getBytes:length:", data_get_bytes), END_OF_METHODS};
static struct class data_class = {NULL, "NSData", NULL, data_methods, sizeof(struct data), data_dealloc};

id stub_data(const void *bytes, size_t length) {
  struct data *data = (struct data *)stub_new(&data_class);
  data->bytes = malloc(length);
  data->length = length;
  memcpy(data->bytes, bytes, length);
  return stub_autorelease(&data->head);
}

/* NSProcessInfo: one object for the life of the process, which is not counted among the live ones. */

struct version {
  long major, minor, patch;
};

static struct class process_info_class;
static struct object process_info = {&process_info_class, 1, false};

static id process_info_of_process(id self, SEL selector) {
  (void)self, (void)selector;
  return &process_info;
}

static long process_info_thermal(id self, SEL selector) {
  (void)self, (void)selector;
  return stub_machine()->thermal;
}

static struct version process_info_version(id self, SEL selector) {
  (void)self, (void)selector;
  const long *macos = stub_machine()->macos;
  return (struct version){macos[0], macos[1], macos[2]};
}

static const struct method process_info_class_methods[] = {
    METHOD("processInfo", process_info_of_process), END_OF_METHODS};
static const struct method process_info_methods[] = {
    METHOD("thermalState", process_info_thermal),
    STRUCTURE_METHOD("operatingSystemVersion", process_info_version),
    END_OF_METHODS,
};
static struct class process_info_class = {
    NULL, "NSProcessInfo", process_info_class_methods, process_info_methods, sizeof(struct object), NULL};

void stub_register_foundation(void) {
  stub_register(&string_class);
  stub_register(&array_class);
  stub_register(&error_class);
  stub_register(&data_class);
  stub_register(&process_info_class);
}
