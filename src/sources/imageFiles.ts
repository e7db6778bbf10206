// SPDX-License-Identifier: MIT

/** True for names of image files that can be decoded here. */
export function isImageFile(name: string): boolean {
  return /^[^.].*\.(png|jpe?g|webp|tiff?)$/i.test(name);
}

/** File name without folder and extension. */
export function stemOf(name: string): string {
  return name.replace(/^.*\//, '').replace(/\.[a-z]+$/i, '');
}
