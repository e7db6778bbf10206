// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import { encodePath } from './path.ts';
import { timeParts } from './writeParts.ts';

const ENCAPSULATION_BYTES = 4;
const COUNT_BYTES = 4;
const COORDINATES_BYTES = 7 * 8;
const FIRST_PLACES = 64;

/**
 * A nav_msgs/msg/Path that grows by one pose at a time and keeps the newest `maxPoses`, in the form in which it is sent: adding a pose and encoding touch
 * two headers and one pose, however long the path is.
 *
 * The poses stand in places of equal size, one behind the other. What a message has before the coordinates of its first pose (the head) is written right
 * before them, over places that have slid out. It fits: CDR aligns numbers of 8 bytes to 8, counted from behind the encapsulation, and a pose ends there.
 */
export class PathMessage {
  readonly #maxPoses: number;
  /** Encapsulation, header and count of the path, header of its first pose and padding; stamps and count are filled in. */
  readonly #head: Uint8Array;
  /** Where the count stands in the head; the header of the first pose follows. */
  readonly #countAt: number;
  /** Header of any other pose and padding; the stamp is filled in. */
  readonly #poseHeader: Uint8Array;
  /** Bytes from one place to the next. */
  readonly #stride: number;
  #bytes: Uint8Array;
  #view: DataView;
  #places: number;
  /** The place of the oldest pose. A message whose first pose is in place i begins at byte i * stride. */
  #first = 0;
  #length = 0;
  #firstStamp = { sec: 0, nanosec: 0 };

  constructor(frame: string, maxPoses: number) {
    if (!Number.isInteger(maxPoses) || maxPoses < 1) {
      throw new QpvoError('QPVO_PARAMETER', {
        what: 'a path of this size cannot be kept',
        expected: 'a whole number of poses, 1 or more',
        received: String(maxPoses),
      });
    }
    this.#maxPoses = maxPoses;
    const empty = encodePath(0n, frame, []);
    const pose = { stampNs: 0n, t: [0, 0, 0], q: [0, 0, 0, 0] } satisfies Pose & { stampNs: bigint };
    const one = encodePath(0n, frame, [pose]);
    const two = encodePath(0n, frame, [pose, pose]);
    this.#countAt = empty.length - COUNT_BYTES;
    this.#head = one.slice(0, one.length - COORDINATES_BYTES);
    this.#poseHeader = two.slice(one.length, two.length - COORDINATES_BYTES);
    this.#stride = two.length - one.length;
    this.#places = Math.min(FIRST_PLACES, 2 * maxPoses);
    this.#bytes = new Uint8Array(this.#head.length + this.#places * this.#stride);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Adds the newest pose; the oldest leaves when there are `maxPoses` already. */
  add(stampNs: bigint, pose: Pose): void {
    const stamp = timeParts(stampNs);
    if (this.#length === this.#maxPoses) this.#dropFirst();
    if (this.#first + this.#length === this.#places) this.#makeRoom();
    if (this.#length === 0) this.#firstStamp = stamp;
    const at = this.#coordinatesAt(this.#first + this.#length);
    const headerAt = at - this.#poseHeader.length;
    this.#bytes.set(this.#poseHeader, headerAt);
    this.#writeStamp(headerAt, stamp);
    for (let i = 0; i < 3; i++) this.#view.setFloat64(at + 8 * i, pose.t[i]!, true);
    for (let i = 0; i < 4; i++) this.#view.setFloat64(at + 24 + 8 * i, pose.q[i]!, true);
    this.#length++;
  }

  /** The message as CDR: a view, valid until the next call of this object. */
  encode(stampNs: bigint): Uint8Array {
    const start = this.#first * this.#stride;
    this.#bytes.set(this.#head, start);
    this.#writeStamp(start + ENCAPSULATION_BYTES, timeParts(stampNs));
    this.#view.setUint32(start + this.#countAt, this.#length, true);
    const headerAt = start + this.#countAt + COUNT_BYTES;
    if (this.#length === 0) return this.#bytes.subarray(start, headerAt);
    this.#writeStamp(headerAt, this.#firstStamp);
    return this.#bytes.subarray(start, this.#end());
  }

  #dropFirst(): void {
    this.#first++;
    this.#length--;
    const headerAt = this.#coordinatesAt(this.#first) - this.#poseHeader.length;
    this.#firstStamp = {
      sec: this.#view.getInt32(headerAt, true),
      nanosec: this.#view.getUint32(headerAt + 4, true),
    };
  }

  /** Moves the poses to the front, into a larger buffer unless half of this one is free: each pose is moved about once, and 2 * maxPoses places suffice. */
  #makeRoom(): void {
    const used = this.#bytes.subarray(this.#first * this.#stride, this.#end());
    if (2 * this.#length > this.#places) {
      this.#places = Math.min(2 * this.#places, 2 * this.#maxPoses);
      this.#bytes = new Uint8Array(this.#head.length + this.#places * this.#stride);
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#bytes.set(used);
    this.#first = 0;
  }

  #coordinatesAt(place: number): number {
    return this.#head.length + place * this.#stride;
  }

  #end(): number {
    return this.#coordinatesAt(this.#first + this.#length - 1) + COORDINATES_BYTES;
  }

  #writeStamp(at: number, stamp: { sec: number; nanosec: number }): void {
    this.#view.setInt32(at, stamp.sec, true);
    this.#view.setUint32(at + 4, stamp.nanosec, true);
  }
}
