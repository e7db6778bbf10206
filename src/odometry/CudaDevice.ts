// SPDX-License-Identifier: MIT
import type { RectifiedCamera } from '../camera/RectifiedCamera.ts';
import type { CameraImage } from '../messages/pixels.ts';
import type { BundleAdjustOptions, CellArea, CudaPipeline, PatchSelection } from '../native/addon.ts';
import { gpuFailure } from '../native/gpuFailure.ts';
import { type ModelManifest, readManifest } from '../network/manifest.ts';
import { requireForms } from '../network/neededParts.ts';
import { PORTABLE_FORMS } from '../network/openNetwork.ts';
import type { Answers, FrameBuffers, FrameDevice, PairTables, Questions } from './FrameDevice.ts';
import type { DeviceOptions } from './openDevice.ts';
import { openPipeline } from './openPipeline.ts';
import { type RunSetup, runSetup } from './runSetup.ts';

/** Everything on one GPU, in one queue: calls put work into it, readBack() waits for it. After QPVO_DEVICE_LOST or QPVO_OUT_OF_MEMORY only close() is of use. */
export class CudaDevice implements FrameDevice {
  readonly manifest: ModelManifest;
  readonly camera: RectifiedCamera;
  readonly area: CellArea;
  readonly buffers: FrameBuffers;
  readonly #pipeline: CudaPipeline;

  /** @throws QPVO_MODEL; QPVO_PROFILE_UNAVAILABLE for forms that are not of a GPU; QPVO_NO_DEVICE; QPVO_OUT_OF_MEMORY; QPVO_ENGINE */
  static async open(options: DeviceOptions): Promise<CudaDevice> {
    const { modelDir, calibration, parameters } = options;
    const forms = {
      runtime: options.runtime ?? PORTABLE_FORMS.runtime,
      precision: options.precision ?? PORTABLE_FORMS.precision,
    };
    const manifest = readManifest(modelDir);
    requireForms(manifest, forms);
    const setup = await runSetup(calibration, manifest, parameters);
    return new CudaDevice(manifest, setup, await openPipeline(modelDir, manifest, forms, setup, parameters));
  }

  private constructor(manifest: ModelManifest, { camera, area }: RunSetup, pipeline: CudaPipeline) {
    this.manifest = manifest;
    this.camera = camera;
    this.area = area;
    this.buffers = pipeline.buffers;
    this.#pipeline = pipeline;
  }

  async prepareImage({ data, width, height, channels, step }: CameraImage): Promise<void> {
    this.#give(() => this.#pipeline.prepareImage(data, width, height, channels, step));
  }

  async samplePatches(
    slot: number,
    seed: number,
    sequence: number,
    selection: PatchSelection,
    inverseDepth: number,
  ): Promise<void> {
    this.#give(() => this.#pipeline.samplePatches(slot, seed, sequence, selection, inverseDepth, this.area));
  }

  async encode(): Promise<void> {
    this.#give(() => this.#pipeline.encode());
  }

  setPose(slot: number): void {
    this.#give(() => this.#pipeline.setPose(slot));
  }

  setInverseDepths(slot: number): void {
    this.#give(() => this.#pipeline.setInverseDepths(slot));
  }

  async insertFrame(slot: number): Promise<void> {
    this.#give(() => this.#pipeline.insertFrame(slot));
  }

  async correlate(pairCount: number): Promise<void> {
    this.#give(() => this.#pipeline.correlate(pairCount));
  }

  async update(pairs: PairTables): Promise<void> {
    this.#give(() => this.#pipeline.update(pairs));
  }

  swap(): void {
    this.#give(() => this.#pipeline.swapHidden());
  }

  move(from: number, to: number): void {
    this.#give(() => this.#pipeline.moveHidden(from, to));
  }

  clear(first: number, count: number): void {
    this.#give(() => this.#pipeline.clearHidden(first, count));
  }

  async bundleAdjust(pairCount: number, options: BundleAdjustOptions): Promise<void> {
    this.#give(() => this.#pipeline.bundleAdjust(pairCount, options));
  }

  async readBack(questions: Questions): Promise<Answers> {
    try {
      const { flows, ...answers } = await this.#pipeline.readBack(questions);
      return { ...answers, flows: questions.flows.map((asked, i) => ({ ...asked, ...flows[i]! })) };
    } catch (error) {
      throw gpuFailure(error);
    }
  }

  pointCloud(slot: number): Float32Array {
    return this.#pipeline.pointCloud(slot);
  }

  refreshView(): void {
    this.#give(() => this.#pipeline.readView());
  }

  async close(): Promise<void> {
    await this.#pipeline.close();
  }

  #give(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw gpuFailure(error);
    }
  }
}
