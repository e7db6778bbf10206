// SPDX-License-Identifier: MIT
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sqlite, { type Database, type SQLiteValue } from 'node-sqlite3-wasm';
import { messageOf, QpvoError } from '../error.ts';
import type { BagMessage, BagReader, BagTopic } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import type { FrameFault } from './Source.ts';
import { firstReadable, untilDamage } from './untilDamage.ts';

type Row = Record<string, SQLiteValue>;

/**
 * Opens one SQLite file of a ROS 2 bag, read only and in place.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when it is no database or holds no rosbag2 tables
 */
export function openDb3(path: string): BagReader {
  let database: Database | undefined;
  try {
    database = openInPlace(path);
    const { page_size: pageSize } = database.get('PRAGMA page_size') as { page_size: number };
    const endsInPage = statSync(path).size % pageSize !== 0;
    return new Db3(path, database, readTopics(database), endsInPage);
  } catch (error) {
    if (database?.isOpen) database.close();
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: `${path} cannot be read as a ROS 2 bag`,
      expected: 'a SQLite database with the tables topics and messages',
      received: messageOf(error),
      advice: 'If it was cut off, `sqlite3 FILE .recover` may save a part of it.',
      cause: error,
    });
  }
}

class Db3 implements BagReader {
  readonly kind = 'ROS 2 bag (SQLite)';
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #database: Database;
  readonly #endsInPage: boolean;

  /** @param endsInPage the file was cut within a page, the rest of which reads as zeros */
  constructor(path: string, database: Database, topics: BagTopic[], endsInPage: boolean) {
    this.path = path;
    this.#database = database;
    this.topics = topics;
    this.#endsInPage = endsInPage;
  }

  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault> {
    return untilDamage(this.#read(topic, 'ASC'), this.path);
  }

  lastMessage(topic: string): Promise<BagMessage | undefined> {
    return firstReadable(this.#read(topic, 'DESC'));
  }

  /**
   * Row by row in the order of writing, which is the order of the table itself: nothing is sorted or collected. Where the file was cut within a page,
   * the last message before the damage may be incomplete and is left out.
   */
  async *#read(topic: string, order: 'ASC' | 'DESC'): AsyncGenerator<BagMessage> {
    const statement = this.#database.prepare(
      `SELECT timestamp, data FROM messages WHERE topic_id IN (SELECT id FROM topics WHERE name = ?) ORDER BY messages.id ${order}`,
    );
    let held: BagMessage | undefined;
    try {
      for (const row of statement.iterate([topic]) as Iterable<Row>) {
        if (!(row.data instanceof Uint8Array)) throw new Error('a message without data');
        const message = { logTimeNs: BigInt(row.timestamp as number | bigint), data: row.data };
        if (!this.#endsInPage) yield message;
        else if (held !== undefined) yield held;
        held = message;
      }
      if (this.#endsInPage && held !== undefined) yield held;
    } finally {
      statement.finalize();
    }
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}

/**
 * The SQLite build in use locks a database by a directory beside it: impossible on read-only media, and a leftover of a killed program locks for
 * ever. Opened through a link in a directory of its own, the lock goes there, and so do the changes of a write-ahead log that the recorder left.
 * Exclusive mode lets a database in write-ahead mode be read without shared memory.
 */
function openInPlace(path: string): Database {
  const folder = mkdtempSync(join(tmpdir(), 'qpvo-db3-'));
  try {
    const link = join(folder, 'bag.db3');
    symlinkSync(resolve(path), link);
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${link}-wal`);
    const database = new sqlite.Database(link, { readOnly: true });
    // The second lets a file be read that ends before the last of its pages; nothing is written in any case.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA writable_schema = ON');
    database.get('SELECT count(*) FROM sqlite_master');
    return database;
  } finally {
    // The files stay open, so their names can go at once.
    rmSync(folder, { recursive: true, force: true });
  }
}

function readTopics(database: Database): BagTopic[] {
  const rows = database.all('SELECT id, name, type, serialization_format AS format FROM topics ORDER BY id') as Row[];
  const counts = countMessages(database);
  return mergeByName(
    rows.map((row) => ({
      topic: String(row.name),
      type: String(row.type),
      messageCount: counts && (counts.get(String(row.id)) ?? 0),
      serialization: row.format === 'cdr' ? 'cdr' : undefined,
    })),
  );
}

/** Undefined when the file is damaged: its whole part is still worth reading. */
function countMessages(database: Database): Map<string, number> | undefined {
  try {
    const rows = database.all('SELECT topic_id AS id, count(*) AS count FROM messages GROUP BY topic_id') as Row[];
    return new Map(rows.map((row) => [String(row.id), Number(row.count)]));
  } catch {
    return undefined;
  }
}
