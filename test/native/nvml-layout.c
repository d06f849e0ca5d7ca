/*
 * Compares what src/backends/cuda knows of NVML's structures and numbers with NVIDIA's own header, as it is compiled: sizes
 * and offsets of driver.ts, fields.ts, values.ts and sampling.ts, codes of refusals.ts, bits of readings.ts.
 */
#include <nvml.h>

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#define SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type)
#define AT(type, member, offset) static_assert(offsetof(type, member) == (offset), #type "." #member)
#define NUMBER(name, value) static_assert((name) == (value), #name)

SIZE(nvmlUtilization_t, 8);
AT(nvmlUtilization_t, memory, 4);
SIZE(nvmlMemory_t, 24);
AT(nvmlMemory_t, total, 0);
AT(nvmlMemory_t, free, 8);
AT(nvmlMemory_t, used, 16);
SIZE(nvmlMemory_v2_t, 40);
AT(nvmlMemory_v2_t, total, 8);
AT(nvmlMemory_v2_t, free, 24);
AT(nvmlMemory_v2_t, used, 32);
NUMBER(nvmlMemory_v2, 40 | (2 << 24));
SIZE(nvmlPciInfo_t, 68);
AT(nvmlPciInfo_t, busId, 36);
AT(nvmlProcessInfo_v1_t, usedGpuMemory, 8);
SIZE(nvmlProcessInfo_v1_t, 16);
AT(nvmlProcessInfo_v2_t, usedGpuMemory, 8);
SIZE(nvmlProcessInfo_v2_t, 24);
SIZE(nvmlFieldValue_t, 40);
AT(nvmlFieldValue_t, fieldId, 0);
AT(nvmlFieldValue_t, valueType, 24);
AT(nvmlFieldValue_t, nvmlReturn, 28);
AT(nvmlFieldValue_t, value, 32);
SIZE(nvmlEventData_t, 32);
AT(nvmlEventData_t, eventType, 8);
AT(nvmlEventData_t, eventData, 16);
SIZE(nvmlGpmSupport_t, 8);
AT(nvmlGpmSupport_t, isSupportedDevice, 4);
SIZE(nvmlGpmMetric_t, 40);
AT(nvmlGpmMetric_t, nvmlReturn, 4);
AT(nvmlGpmMetric_t, value, 8);
AT(nvmlGpmMetricsGet_t, numMetrics, 4);
AT(nvmlGpmMetricsGet_t, sample1, 8);
AT(nvmlGpmMetricsGet_t, sample2, 16);
AT(nvmlGpmMetricsGet_t, metrics, 24);
static_assert(NVML_GPM_METRIC_MAX <= 333, "room for metrics");
NUMBER(NVML_GPM_METRICS_GET_VERSION, 1);
NUMBER(NVML_GPM_SUPPORT_VERSION, 1);

NUMBER(NVML_VALUE_TYPE_DOUBLE, 0);
NUMBER(NVML_VALUE_TYPE_UNSIGNED_INT, 1);
NUMBER(NVML_VALUE_TYPE_UNSIGNED_LONG, 2);
NUMBER(NVML_VALUE_TYPE_UNSIGNED_LONG_LONG, 3);
NUMBER(NVML_VALUE_TYPE_SIGNED_LONG_LONG, 4);
NUMBER(NVML_CLOCK_GRAPHICS, 0);
NUMBER(NVML_CLOCK_SM, 1);
NUMBER(NVML_CLOCK_MEM, 2);
NUMBER(NVML_CLOCK_VIDEO, 3);
NUMBER(NVML_TEMPERATURE_GPU, 0);
NUMBER(NVML_TEMPERATURE_THRESHOLD_SHUTDOWN, 0);
NUMBER(NVML_TEMPERATURE_THRESHOLD_SLOWDOWN, 1);
NUMBER(NVML_TEMPERATURE_THRESHOLD_GPU_MAX, 3);
NUMBER(NVML_MEMORY_ERROR_TYPE_CORRECTED, 0);
NUMBER(NVML_MEMORY_ERROR_TYPE_UNCORRECTED, 1);
NUMBER(NVML_VOLATILE_ECC, 0);
NUMBER(nvmlEventTypeXidCriticalError, 8);
NUMBER(NVML_GPM_METRIC_SM_UTIL, 2);
NUMBER(NVML_GPM_METRIC_SM_OCCUPANCY, 3);
NUMBER(NVML_GPM_METRIC_ANY_TENSOR_UTIL, 5);
NUMBER(NVML_GPM_METRIC_DRAM_BW_UTIL, 10);
NUMBER(nvmlClocksThrottleReasonSwPowerCap, 0x4);
NUMBER(nvmlClocksThrottleReasonSyncBoost, 0x10);
NUMBER(nvmlClocksThrottleReasonSwThermalSlowdown, 0x20);
NUMBER(nvmlClocksThrottleReasonHwThermalSlowdown, 0x40);
NUMBER(nvmlClocksThrottleReasonHwPowerBrakeSlowdown, 0x80);

NUMBER(NVML_FI_DEV_ECC_SBE_VOL_TOTAL, 3);
NUMBER(NVML_FI_DEV_ECC_DBE_VOL_TOTAL, 4);
NUMBER(NVML_FI_DEV_RETIRED_SBE, 29);
NUMBER(NVML_FI_DEV_RETIRED_DBE, 30);
NUMBER(NVML_FI_DEV_RETIRED_PENDING, 31);
NUMBER(NVML_FI_DEV_PERF_POLICY_POWER, 74);
NUMBER(NVML_FI_DEV_PERF_POLICY_THERMAL, 75);
NUMBER(NVML_FI_DEV_PERF_POLICY_SYNC_BOOST, 76);
NUMBER(NVML_FI_DEV_MEMORY_TEMP, 82);
NUMBER(NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, 83);
NUMBER(NVML_FI_DEV_PCIE_REPLAY_COUNTER, 94);
NUMBER(NVML_FI_DEV_REMAPPED_COR, 142);
NUMBER(NVML_FI_DEV_REMAPPED_UNC, 143);
NUMBER(NVML_FI_DEV_REMAPPED_PENDING, 144);
NUMBER(NVML_FI_DEV_REMAPPED_FAILURE, 145);
#ifdef NVML_FI_DEV_POWER_AVERAGE
NUMBER(NVML_FI_DEV_POWER_AVERAGE, 185);
#endif
#ifdef NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT
NUMBER(NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT, 193);
NUMBER(NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT, 194);
NUMBER(NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT, 196);
#endif
#ifdef NVML_FI_DEV_PCIE_COUNT_TX_BYTES
NUMBER(NVML_FI_DEV_PCIE_COUNT_TX_BYTES, 197);
NUMBER(NVML_FI_DEV_PCIE_COUNT_RX_BYTES, 198);
#endif
#ifdef NVML_FI_DEV_GET_GPU_RECOVERY_ACTION
NUMBER(NVML_FI_DEV_GET_GPU_RECOVERY_ACTION, 230);
#endif
#ifdef NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN
static_assert(NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN == (NVML_API_VERSION < 13 ? 251 : 269), "throttle time");
static_assert(NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN == (NVML_API_VERSION < 13 ? 252 : 270), "throttle time");
static_assert(NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN == (NVML_API_VERSION < 13 ? 253 : 271),
              "throttle time");
#endif
#ifdef nvmlMarginTemperature_v1
SIZE(nvmlMarginTemperature_v1_t, 8);
AT(nvmlMarginTemperature_v1_t, marginTemperature, 4);
NUMBER(nvmlMarginTemperature_v1, 8 | (1 << 24));
#endif
#ifdef nvmlTemperature_v1
SIZE(nvmlTemperature_v1_t, 12);
AT(nvmlTemperature_v1_t, temperature, 8);
NUMBER(nvmlTemperature_v1, 12 | (1 << 24));
#endif

NUMBER(NVML_ERROR_UNINITIALIZED, 1);
NUMBER(NVML_ERROR_NOT_SUPPORTED, 3);
NUMBER(NVML_ERROR_NO_PERMISSION, 4);
NUMBER(NVML_ERROR_DRIVER_NOT_LOADED, 9);
NUMBER(NVML_ERROR_TIMEOUT, 10);
NUMBER(NVML_ERROR_GPU_IS_LOST, 15);
NUMBER(NVML_ERROR_OPERATING_SYSTEM, 17);
NUMBER(NVML_ERROR_LIB_RM_VERSION_MISMATCH, 18);
#if NVML_API_VERSION >= 12
NUMBER(NVML_ERROR_ARGUMENT_VERSION_MISMATCH, 25);
NUMBER(NVML_ERROR_GPU_NOT_FOUND, 28);
#endif

int main(void) {
  printf("%d\n", NVML_API_VERSION);
  return 0;
}
