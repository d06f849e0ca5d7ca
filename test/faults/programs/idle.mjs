/** A service that does nothing for as long as it is told, or a while, and then says so. */
setTimeout(() => console.log('done'), Number(process.argv[2] ?? 2500));
