/* Calls as a table can describe them beyond integers and pointers: structures by value, 64 bits, one byte. */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

struct three {
  uint64_t a, b, c;
};

EXPORT struct three by_value_turned(struct three it);
EXPORT double by_value_sum(uint8_t first, struct three it, double last);
EXPORT uint64_t by_value_greatest(void);
EXPORT int64_t by_value_negative(int64_t of);
EXPORT uint8_t by_value_flag(void);

struct three by_value_turned(struct three it) {
  return (struct three){it.c, it.a, it.b};
}

double by_value_sum(uint8_t first, struct three it, double last) {
  return first + (double)(it.a + 2 * it.b + 4 * it.c) + last;
}

uint64_t by_value_greatest(void) {
  return UINT64_MAX;
}

int64_t by_value_negative(int64_t of) {
  return -of;
}

uint8_t by_value_flag(void) {
  return 16;
}
