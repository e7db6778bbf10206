// SPDX-License-Identifier: MIT
import { damaged } from './damaged.ts';

/** A name that the pickle asks to import. Nothing is imported: it stays a name. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What the caller makes of the two constructs that carry meaning. Both throw for anything they do not know. */
export interface PickleHooks {
  /** A call of `name` with arguments. */
  construct(name: string, args: unknown[]): unknown;
  /** A reference to data stored outside the pickle. */
  persistent(id: unknown): unknown;
}

const MARK = Symbol('mark');

/**
 * Reads a Python pickle of protocol 2 as plain data: dict as Map, list and tuple as array, numbers, strings, None as null.
 * No code runs: a call is passed to `hooks.construct`, object state is discarded, and every opcode outside the list is refused.
 */
export function readPickle(bytes: Buffer, path: string, hooks: PickleHooks): unknown {
  return new PickleReader(bytes, path, hooks).read();
}

class PickleReader {
  readonly #bytes: Buffer;
  readonly #path: string;
  readonly #hooks: PickleHooks;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at = 0;

  constructor(bytes: Buffer, path: string, hooks: PickleHooks) {
    this.#bytes = bytes;
    this.#path = path;
    this.#hooks = hooks;
  }

  read(): unknown {
    for (;;) {
      const opcode = String.fromCharCode(this.#take(1)[0]!);
      if (opcode === '.') return this.#pop();
      if (!(this.#scalar(opcode) || this.#container(opcode) || this.#memory(opcode) || this.#object(opcode))) {
        throw this.#refuse(`opcode ${JSON.stringify(opcode)} at byte ${this.#at - 1}`);
      }
    }
  }

  #scalar(opcode: string): boolean {
    switch (opcode) {
      case 'N':
        return this.#push(null);
      case '\x88':
        return this.#push(true);
      case '\x89':
        return this.#push(false);
      case 'K':
        return this.#push(this.#take(1)[0]);
      case 'M':
        return this.#push(this.#take(2).readUInt16LE());
      case 'J':
        return this.#push(this.#take(4).readInt32LE());
      case 'G':
        return this.#push(this.#take(8).readDoubleBE());
      case '\x8a':
        return this.#push(littleEndianInteger(this.#take(this.#take(1)[0]!)));
      case 'X':
        return this.#push(this.#take(this.#take(4).readUInt32LE()).toString('utf8'));
      case 'U':
        return this.#push(this.#take(this.#take(1)[0]!).toString('latin1'));
      default:
        return false;
    }
  }

  #container(opcode: string): boolean {
    switch (opcode) {
      case '(':
        return this.#push(MARK);
      case ')':
      case ']':
        return this.#push([]);
      case '}':
        return this.#push(new Map());
      case 't':
        return this.#push(this.#popToMark());
      case '\x85':
      case '\x86':
      case '\x87':
        return this.#push(this.#popMany(opcode.charCodeAt(0) - 0x84));
      case 'a':
        return this.#append([this.#pop()]);
      case 'e':
        return this.#append(this.#popToMark());
      case 's':
        return this.#setItems(this.#popMany(2));
      case 'u':
        return this.#setItems(this.#popToMark());
      default:
        return false;
    }
  }

  #memory(opcode: string): boolean {
    switch (opcode) {
      case 'q':
        return this.#remember(this.#take(1)[0]!);
      case 'r':
        return this.#remember(this.#take(4).readUInt32LE());
      case 'h':
        return this.#push(this.#memo.get(this.#take(1)[0]!));
      case 'j':
        return this.#push(this.#memo.get(this.#take(4).readUInt32LE()));
      default:
        return false;
    }
  }

  #object(opcode: string): boolean {
    switch (opcode) {
      case '\x80': {
        const protocol = this.#take(1)[0]!;
        if (protocol > 2) throw this.#refuse(`protocol ${protocol}`);
        return true;
      }
      case 'c':
        return this.#push(new PickleGlobal(`${this.#line()}.${this.#line()}`));
      case 'Q':
        return this.#push(this.#hooks.persistent(this.#pop()));
      case 'R': {
        const [callee, args] = this.#popMany(2);
        if (!(callee instanceof PickleGlobal) || !Array.isArray(args))
          throw this.#refuse('a call of something unnamed');
        return this.#push(this.#hooks.construct(callee.name, args));
      }
      case 'b':
        this.#pop();
        return true;
      default:
        return false;
    }
  }

  #push(value: unknown): true {
    this.#stack.push(value);
    return true;
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw this.#refuse('an empty stack');
    return this.#stack.pop();
  }

  #popMany(count: number): unknown[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.#refuse('a missing mark');
    const items = this.#stack.splice(mark);
    return items.slice(1);
  }

  #append(items: unknown[]): true {
    const list = this.#stack.at(-1);
    if (!Array.isArray(list)) throw this.#refuse('an append to something that is no list');
    for (const item of items) list.push(item);
    return true;
  }

  #setItems(items: unknown[]): true {
    const map = this.#stack.at(-1);
    if (!(map instanceof Map)) throw this.#refuse('an item set on something that is no dict');
    for (let i = 0; i + 1 < items.length; i += 2) map.set(items[i], items[i + 1]);
    return true;
  }

  #remember(key: number): true {
    this.#memo.set(key, this.#stack.at(-1));
    return true;
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#refuse('an unfinished name');
    return this.#take(end + 1 - this.#at)
      .toString('latin1')
      .slice(0, -1);
  }

  #take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw this.#refuse(`an end after ${this.#bytes.length} bytes`);
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }

  #refuse(received: string): Error {
    return damaged(this.#path, 'torch weights', 'plain data of pickle protocol 2', received);
  }
}

function littleEndianInteger(bytes: Buffer): number {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return Number(BigInt.asIntN(Math.max(bytes.length, 1) * 8, value));
}
