// SPDX-License-Identifier: MIT
import type { RectifiedCamera } from '../camera/RectifiedCamera.ts';
import { QpvoError } from '../error.ts';
import type { CameraImage } from '../messages/pixels.ts';
import type {
  BundleAdjustOptions,
  CellArea,
  CorrelationForm,
  CpuOps,
  OpsBuffers,
  PatchSelection,
} from '../native/addon.ts';
import { loadAddon } from '../native/loadAddon.ts';
import type { ModelManifest } from '../network/manifest.ts';
import type { Network } from '../network/Network.ts';
import { openNetwork } from '../network/openNetwork.ts';
import type { Answers, FrameDevice, PairTables, Questions } from './FrameDevice.ts';
import { HiddenState } from './HiddenState.ts';
import type { DeviceOptions } from './openDevice.ts';
import { type RunSetup, runSetup, threadCount } from './runSetup.ts';
import { maxSources } from './windows.ts';

/** Ops on the thread pool of the addon, networks in the runtimes of openNetwork(). Every call is done when its promise resolves. */
export class CpuDevice implements FrameDevice {
  readonly camera: RectifiedCamera;
  readonly area: CellArea;
  readonly #ops: CpuOps;
  readonly #network: Network;
  readonly #hidden: HiddenState;
  #adjusted = { solved: true, validEdges: 0 };

  /** @throws what openNetwork() throws; QPVO_INTERNAL when memory is out */
  static async open({ modelDir, calibration, parameters, runtime, precision }: DeviceOptions): Promise<CpuDevice> {
    const network = await openNetwork(modelDir, {
      threads: threadCount(parameters),
      ...(runtime === undefined ? {} : { runtime }),
      ...(precision === undefined ? {} : { precision }),
    });
    try {
      const setup = await runSetup(calibration, network.manifest, parameters);
      // Features that come out of int8 lose nothing more by being held in it. onnxruntime stays the yardstick, with fp32 around it.
      const correlation = runtime?.encoder === 'native' && precision?.encoder === 'int8' ? 'int8' : 'fp32';
      // And what the first layer of the update operator takes as bytes can be left so.
      const form = correlation === 'int8' ? network.correlationForm : undefined;
      const options = {
        ...setup.options,
        correlation,
        instructionSet: '',
        correlationScale: form?.scale ?? 0,
      } as const;
      const ops = await loadAddon().CpuOps.create(options, setup.undistortMap);
      checkZero(ops, form);
      network.allocate({
        height: options.height,
        width: options.width,
        patches: options.patches,
        maxPairs: options.maxPairs,
        maxSources: maxSources(parameters),
        ringSlots: options.ringSlots,
        buffers: ops.buffers,
      });
      return new CpuDevice(setup, ops, network);
    } catch (error) {
      await network.close();
      throw error;
    }
  }

  private constructor({ camera, area, options }: RunSetup, ops: CpuOps, network: Network) {
    this.camera = camera;
    this.area = area;
    this.#ops = ops;
    this.#network = network;
    this.#hidden = new HiddenState(ops.buffers, options.patches * options.hiddenDim);
  }

  get manifest(): ModelManifest {
    return this.#network.manifest;
  }

  get buffers(): OpsBuffers {
    return this.#ops.buffers;
  }

  prepareImage({ data, width, height, channels, step }: CameraImage): Promise<void> {
    return this.#ops.prepareImage(data, width, height, channels, step);
  }

  samplePatches(
    slot: number,
    seed: number,
    sequence: number,
    selection: PatchSelection,
    inverseDepth: number,
  ): Promise<void> {
    return this.#ops.samplePatches(slot, seed, sequence, selection, inverseDepth, this.area);
  }

  encode(): Promise<void> {
    return this.#network.encode();
  }

  /** The ops read the array that the pose was written to. */
  setPose(): void {}

  /** As with poses. */
  setInverseDepths(): void {}

  insertFrame(slot: number): Promise<void> {
    return this.#ops.insertFrame(slot);
  }

  correlate(pairCount: number): Promise<void> {
    return this.#ops.correlate(pairCount);
  }

  update(pairs: PairTables): Promise<void> {
    return this.#network.update({ ...this.#hidden.batch(pairs.count), ...pairs });
  }

  swap(): void {
    this.#hidden.swap();
  }

  move(from: number, to: number): void {
    this.#hidden.move(from, to);
  }

  clear(first: number, count: number): void {
    this.#hidden.clear(first, count);
  }

  async bundleAdjust(pairCount: number, options: BundleAdjustOptions): Promise<void> {
    this.#adjusted = await this.#ops.bundleAdjust(pairCount, options);
  }

  async readBack({ health, flows }: Questions): Promise<Answers> {
    const ops = this.#ops;
    return {
      ...this.#adjusted,
      health: health.map((q) => ops.assessHealth(q.pairCount, q.flags, q.inlierThreshold, q.minConfidence, q.margin)),
      flows: flows.map((q) => ({ ...q, ...ops.flowMagnitude(q.source, q.target, q.beta) })),
    };
  }

  pointCloud(slot: number): Float32Array {
    return this.#ops.pointCloud(slot);
  }

  /** All arrays are the ops' own. */
  refreshView(): void {}

  async close(): Promise<void> {
    this.#ops.close();
    await this.#network.close();
  }
}

/** Both sides are chosen by the processor: they agree. */
function checkZero({ buffers }: CpuOps, form: CorrelationForm | undefined): void {
  if (form === undefined || form.zero === buffers.correlationZero) return;
  throw new QpvoError('QPVO_INTERNAL', {
    what: 'the stored zero of a correlation in bytes',
    expected: `${form.zero}`,
    received: `${buffers.correlationZero}`,
  });
}
