/** A service that loads the SDK's metrics itself: a module that cannot be loaded in parts. */
setTimeout(() => import('@opentelemetry/sdk-metrics'), 200);
setTimeout(() => console.log('done'), 1500);
