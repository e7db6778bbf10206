// SPDX-License-Identifier: MIT

/** Remembers the last line given to console.log, info, warn or error; what is printed goes out as before. */
exports.watchConsole = function watchConsole() {
  let last;
  for (const name of ['log', 'info', 'warn', 'error']) {
    const print = console[name];
    console[name] = (...values) => {
      const text = values.map(String).join(' ').trim();
      if (text) last = text.split('\n').at(-1);
      print.apply(console, values);
    };
  }
  return {
    lastLine: () => last,
    forget: () => {
      last = undefined;
    },
  };
};
