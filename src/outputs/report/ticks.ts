// SPDX-License-Identifier: MIT

export interface Ticks {
  values: number[];
  /** Decimals that tell the ticks apart. */
  digits: number;
}

/** The round number (1, 2 or 5 times a power of ten) nearest above a positive value. */
export function roundUp(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value));
  const share = value / decade;
  const digit = share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10;
  return digit * decade;
}

/** About `count` ticks at round numbers within [min, max]; one tick when the range is empty. */
export function ticksOf(min: number, max: number, count: number): Ticks {
  if (!(max > min)) return { values: [min], digits: 1 };
  const step = roundUp(((max - min) / count) * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const values: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; i++) values.push(i * step);
  return { values, digits };
}

/** A tick's number; a minus is a true minus sign, zero has none. */
export function tickText(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
}
