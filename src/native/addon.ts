// SPDX-License-Identifier: MIT
// The whole surface of the native addon, in one place. Shapes and units are those of native/include/qpvo/state.hpp and ops.hpp.

/** Raised together with kSurface of native/addon/addon.cpp whenever this file changes. */
export const SURFACE = 11;

/** What the ops of a run are made from, on any device. */
export interface OpsOptions {
  channels: 1 | 3;
  /** Network image, multiples of 16. */
  width: number;
  height: number;
  recordedWidth: number;
  recordedHeight: number;
  supersamples: number;
  featureDim: number;
  hiddenDim: number;
  patches: number;
  ringSlots: number;
  maxPairs: number;
  threads: number;
  /** Of the network image: x = scale * I + offset, I in 0..255. */
  scale: number;
  offset: number;
  /** Intrinsics on the grid (network image / 4). */
  fx: number;
  fy: number;
  cx: number;
  cy: number;
}

export interface CpuOpsOptions extends OpsOptions {
  /** In int8 feature maps and patches are held as bytes, with a scale for each map. */
  correlation: 'fp32' | 'int8';
  /** Of the correlation in int8: one of CpuOps.instructionSets; '' = the first of them. */
  instructionSet: string;
  /** In int8: above 0 the correlation is left in correlationBytes, for a network whose first layer takes it so (CorrelationForm). 0: in fp32. */
  correlationScale: number;
}

/** Arrays over the ops' own memory. R ring slots, M patches, P pairs, C feature and D hidden width, F = 882, grid h x w. */
export interface OpsBuffers {
  /** [channels][height][width] */
  image: Float32Array;
  /** [M] y * w + x */
  cells: Int32Array;
  /** [C][h][w] */
  features: Float32Array;
  /** [M][D] */
  context: Float32Array;
  /** [R][M][D] */
  contextRing: Float32Array;
  /** [P][M][F], F = [level][py][px][dy][dx] */
  correlation: Float32Array;
  /** [P][M][896] bytes of which the first F count, round(x / correlationScale) within -128..127 plus correlationZero; some to spare at the end. Empty unless asked for, else `correlation` is. */
  correlationBytes: Uint8Array;
  /** The stored byte of the value 0. */
  correlationZero: number;
  /** [P][M][D] */
  hiddenA: Float32Array;
  hiddenB: Float32Array;
  /** [P][M][2] grid px */
  centre: Float32Array;
  delta: Float32Array;
  weight: Float32Array;
  /** [P] ring slots */
  pairSource: Int32Array;
  pairTarget: Int32Array;
  /** [R] index of a free pose, -1 = fixed */
  poseVariable: Int32Array;
  /** [R][7] T_camera_world: t xyz, q xyzw */
  poses: Float64Array;
  /** [R][patchStride] grid px */
  patchX: Float32Array;
  patchY: Float32Array;
  inverseDepth: Float32Array;
  /** [R][patchStride] 1 / (C + damping) of the last bundle adjustment, in units of inverse depth squared per unit of confidence. */
  depthVariance: Float32Array;
  /**
   * [6][6] of the last bundle adjustment: covariance of the left increment (translation, rotation) of its last pose variable, other free poses marginalised, fixed
   * ones exact. A residual of one grid px at weight 1 counts as one standard deviation. NaN when no pose was free or no step could be solved.
   */
  poseCovariance: Float64Array;
  /** [R][M][3] */
  colors: Uint8Array;
  patchStride: number;
}

export interface BundleAdjustOptions {
  freePoses: number;
  iterations: number;
  depthDamping: number;
  poseDamping: number;
  poseDampingRelative: number;
  maxResidual: number;
  margin: number;
  minDepth: number;
  maxInverseDepth: number;
  resetInverseDepth: number;
  minInverseDepth: number;
}

/** Grid cells from (left, top) to (right, bottom), both included; within 1..w-2 and 1..h-2, so that every patch has its neighbours. */
export interface CellArea {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Uniformly at random, by the strongest image gradient, or one half of the patches each. */
export type PatchSelection = 'random' | 'gradient' | 'mixed';

/** The ops of one frame on the CPU. Calls that return a promise work off the JavaScript thread; a second call meanwhile throws QPVO_BUSY. */
export interface CpuOps {
  readonly buffers: OpsBuffers;
  /** An image of one channel fills all of the network's. @throws QPVO_IMAGE_SIZE */
  prepareImage(data: Uint8Array, width: number, height: number, channels: number, step: number): Promise<void>;
  samplePatches(
    slot: number,
    seed: number,
    sequence: number,
    selection: PatchSelection,
    inverseDepth: number,
    area: CellArea,
  ): Promise<void>;
  insertFrame(slot: number): Promise<void>;
  correlate(pairCount: number): Promise<void>;
  bundleAdjust(pairCount: number, options: BundleAdjustOptions): Promise<{ solved: boolean; validEdges: number }>;
  /** Evidence over the pairs whose flag is not 0; residual in grid px. */
  assessHealth(
    pairCount: number,
    flags: Uint8Array,
    inlierThreshold: number,
    minConfidence: number,
    margin: number,
  ): { medianConfidence: number; residual: number; inlierShare: number; edges: number };
  /** Mean flow magnitude, and mean parallax (flow less that of the rotation alone), of the patches of a slot seen in another, grid px. */
  flowMagnitude(source: number, target: number, beta: number): { mean: number; parallax: number };
  /** World points of a slot's patches, [M][3]. */
  pointCloud(slot: number): Float32Array;
  close(): void;
}

export type GpuPrecision = 'fp32' | 'fp16' | 'int8';

export interface CudaPipelineOptions extends OpsOptions {
  /** Index of the GPU. */
  device: number;
  precision: { encoder: GpuPrecision; update: GpuPrecision };
}

/** Weights of the networks that the addon's own kernels compute; a network without them is a TensorRT engine. Read until the promise of create() settles. */
export interface CudaWeights {
  encoder?: Record<string, CpuTensor>;
  update?: Record<string, CpuTensor>;
}

/** Serialized TensorRT engines, and the native module that runs them; read until the promise of create() settles. */
export interface CudaEngines {
  module: string;
  /** Core of the deep learning accelerator that they were built for; -1 = GPU. */
  dlaCore: number;
  features?: Uint8Array;
  context?: Uint8Array;
  update?: Uint8Array;
}

/** Those that any device has in host memory. */
export type SharedBuffers = Omit<
  OpsBuffers,
  | 'cells'
  | 'features'
  | 'context'
  | 'contextRing'
  | 'correlation'
  | 'correlationBytes'
  | 'correlationZero'
  | 'hiddenA'
  | 'hiddenB'
>;

/**
 * All of a frame on one GPU. Calls give the work to its queue and return; their arguments and the tables in the buffers are copied before that. Only readBack() and
 * readView() wait. While readBack() is at work all others throw QPVO_BUSY, after close() QPVO_CLOSED. A failed call of CUDA throws QPVO_DEVICE_LOST, or
 * QPVO_OUT_OF_MEMORY when memory ran out in it, and so does every later call: the object is dead.
 */
export interface CudaPipeline {
  /** Pinned host memory. Pair tables, pose variables and poses are the caller's; the others are as of the last readBack(), image as of the last readView(). */
  readonly buffers: SharedBuffers;
  prepareImage(data: Uint8Array, width: number, height: number, channels: number, step: number): void;
  samplePatches(
    slot: number,
    seed: number,
    sequence: number,
    selection: PatchSelection,
    inverseDepth: number,
    area: CellArea,
  ): void;
  /** buffers.poses of the slot to the GPU. */
  setPose(slot: number): void;
  /** buffers.inverseDepth of the slot to the GPU. */
  setInverseDepths(slot: number): void;
  encode(): void;
  insertFrame(slot: number): void;
  correlate(pairCount: number): void;
  /** Of the pairs of the last correlate(); the tables of previous and next pairs as in CpuUpdateBatch. */
  update(pairs: Pick<CpuUpdateBatch, 'count' | 'source' | 'previous' | 'next'>): void;
  swapHidden(): void;
  moveHidden(from: number, to: number): void;
  clearHidden(first: number, count: number): void;
  bundleAdjust(pairCount: number, options: BundleAdjustOptions): void;
  /** Waits off the JavaScript thread; at most 4 questions of a kind. `pairs`: how many pairs' centre, delta and weight are copied. */
  readBack(questions: {
    pairs: number;
    health: readonly {
      pairCount: number;
      flags: Uint8Array;
      inlierThreshold: number;
      minConfidence: number;
      margin: number;
    }[];
    flows: readonly { source: number; target: number; beta: number }[];
  }): Promise<{
    solved: boolean;
    validEdges: number;
    health: { medianConfidence: number; residual: number; inlierShare: number; edges: number }[];
    flows: { mean: number; parallax: number }[];
  }>;
  /** Waits on the JavaScript thread: image, centre, delta and weight of the last update, for drawing. */
  readView(): void;
  /** World points of a slot's patches as of the last readBack(), [M][3]. */
  pointCloud(slot: number): Float32Array;
  /** The arrays end at once, the GPU's memory off the JavaScript thread. */
  close(): Promise<void>;
}

/** What the addon finds of GPUs. Versions as CUDA counts them: 13000 = 13.0. */
export interface GpuReport {
  /** Of the CUDA runtime in the addon. */
  runtimeVersion: number;
  /** Newest CUDA that the driver can run; 0 without a driver. */
  driverVersion: number;
  devices: {
    name: string;
    /** 87 = 8.7 */
    computeCapability: number;
    totalMb: number;
    freeMb: number;
    /** Shares its memory with the processor, as on a Jetson. */
    integrated: boolean;
  }[];
  /** Why kernels of this addon cannot run on the first GPU; empty when one ran and gave the right result. */
  fault: string;
}

/** A dense tensor of a weights file, row-major. */
export interface CpuTensor {
  shape: readonly number[];
  data: Float32Array | Int8Array;
}

export interface CpuUpdateOptions {
  hiddenDim: number;
  /** F, length of the correlation vector of an edge. */
  correlationLength: number;
  patches: number;
  ringSlots: number;
  maxPairs: number;
  threads: number;
  /** One of CpuUpdate.instructionSets; '' = the first of them. */
  instructionSet: string;
}

export interface CpuEncoderOptions {
  /** Network image. */
  width: number;
  height: number;
  threads: number;
  /** One of CpuEncoder.instructionSets; '' = the first of them. */
  instructionSet: string;
}

/** Both encoders of a model over one image size. encode() works off the JavaScript thread; a second call meanwhile throws QPVO_BUSY. */
export interface CpuEncoder {
  /** Grid h x w = ceil(height / 4) x ceil(width / 4): image [C][height][width], cells [M] (y * w + x) -> features [F][h][w], context [M][D]. */
  encode(image: Float32Array, cells: Int32Array, features: Float32Array, context: Float32Array): Promise<void>;
  close(): void;
}

/** The arrays of an update; shapes as in PairBatch of src/network/Network.ts. hiddenOut also holds states on the way to the result. */
export interface CpuUpdateBatch {
  count: number;
  source: Int32Array;
  previous: Int32Array;
  next: Int32Array;
  hiddenIn: Float32Array;
  hiddenOut: Float32Array;
  contextRing: Float32Array;
  /** Floats, or bytes in the CorrelationForm of the operator: [P][M][F rounded up to 64], with 32 rows to spare at the end. */
  correlation: Float32Array | Uint8Array;
  delta: Float32Array;
  weight: Float32Array;
}

/** How a first layer takes the correlation as bytes: round(x / scale) within -128..127, plus zero. */
export interface CorrelationForm {
  scale: number;
  zero: number;
}

/** The update operator of one model. */
export interface CpuUpdate {
  /** Instruction set at work. */
  readonly instructionSet: string;
  /** Undefined when the first layer works in fp32. */
  readonly correlationForm: CorrelationForm | undefined;
  /** One pass over the pairs, off the JavaScript thread; the pair tables are read before it returns, the arrays until its promise settles. Meanwhile throws QPVO_BUSY. */
  update(batch: CpuUpdateBatch): Promise<void>;
  close(): void;
}

export interface Addon {
  surface: number;
  /** Instruction set chosen for this processor. */
  instructionSet: string;
  /** For a process of our own: freed blocks of image size go back to the system at once (glibc), so that decoding does not make the process grow. */
  returnLargeBlocks(): void;
  /** Names the memory of an array to all threads of the process. The lender keeps the array until reclaim(). */
  lend(view: Uint8Array): number;
  /** The memory of a loan, in any thread; not to be used after reclaim(). */
  borrow(loan: number): ArrayBuffer;
  reclaim(loan: number): void;
  CpuOps: {
    new (options: CpuOpsOptions, undistortMap: Float32Array): CpuOps;
    /** The same without holding up the JavaScript thread: hundreds of megabytes may have to be cleared. */
    create(options: CpuOpsOptions, undistortMap: Float32Array): Promise<CpuOps>;
    /** That this processor can run for the correlation in int8, best first. */
    readonly instructionSets: readonly string[];
  };
  CpuEncoder: {
    /**
     * Tensors under their names in the weights file. A layer whose `weight` is int8 needs `weight_scale` and `input_scale` and works in int8, others in fp32. The
     * tensors are read until the promise settles.
     */
    create(options: CpuEncoderOptions, tensors: Record<string, CpuTensor>): Promise<CpuEncoder>;
    /** What this processor can run, best first. */
    readonly instructionSets: readonly string[];
  };
  CpuUpdate: {
    /**
     * Tensors under their names in the weights file, from `update.` on; the columns of `update.corr.0.weight` in the order of OpsBuffers.correlation. A layer whose
     * `weight` is int8 needs `weight_scale` and `input_scale` and works in int8, others in fp32. The tensors are read until the promise settles.
     */
    create(options: CpuUpdateOptions, tensors: Record<string, CpuTensor>): Promise<CpuUpdate>;
    /** What this processor can run, best first. */
    readonly instructionSets: readonly string[];
  };
  /** Only in an addon that was built with CUDA. */
  CudaPipeline?: {
    /**
     * @throws QPVO_NO_DEVICE without a working GPU; QPVO_OUT_OF_MEMORY with what is needed; QPVO_MODEL for weights that do not fit; QPVO_ENGINE for engines that do not
     */
    create(
      options: CudaPipelineOptions,
      undistortMap: Float32Array,
      weights: CudaWeights,
      engines?: CudaEngines,
    ): Promise<CudaPipeline>;
    /** Memory on the GPU now in use by this process's pipelines, engines of TensorRT among them, and the most there was; bytes. */
    memory(): { device: number; pinned: number; peakDevice: number; peakPinned: number };
  };
  /** Only in an addon that was built with CUDA. Opens the driver: call it in a process that may die of that (src/native/gpuProbe.ts). */
  probeGpu?(): GpuReport;
}
