// SPDX-License-Identifier: MIT
import { resolve } from 'node:path';
import { readCalibrationFileSync } from '../camera/readCalibration.ts';
import { changeNode } from '../config/changeNode.ts';
import type { NodeParameters } from '../config/nodeParameters.ts';
import { type SettledNode, settleNode, startDeclarations } from '../config/settleNode.ts';
import { messageOf, QpvoError } from '../error.ts';
import { type OdometryStatusMessage, odometryStatusFields } from '../messages/ros2/encode.ts';
import { refreshGpuProbe } from '../native/gpuProbe.ts';
import { loadAddon } from '../native/loadAddon.ts';
import type { OdometryOptions } from '../odometry/PatchOdometry.ts';
import type { Pose } from '../odometry/Pose.ts';
import { Diagnostics } from './Diagnostics.ts';
import { type LiveOdometry, openLive } from './LiveOdometry.ts';
import { LogThrottle } from './LogThrottle.ts';
import { Mounting } from './Mounting.ts';
import { newMemory } from './NodeMemory.ts';
import { NodeOutputs, STATUS_TYPE } from './NodeOutputs.ts';
import { NodeReport } from './NodeReport.ts';
import { type NodeActions, NodeServices } from './NodeServices.ts';
import { NodeStatistics } from './NodeStatistics.ts';
import type { LifecycleWork, RosNode, RosParameterValue } from './RosNode.ts';
import { ScaleKeeper } from './ScaleKeeper.ts';
import { ScaleReference } from './ScaleReference.ts';
import { Session } from './Session.ts';
import { imageQos } from './topicQos.ts';

export interface OdometryNodeOptions {
  /** Makes the odometry; openLive unless given. */
  open?(options: OdometryOptions): Promise<LiveOdometry>;
  /** Least time between two of them when the calibration changes, milliseconds. */
  leastReopenMs?: number;
}

const LEAST_REOPEN_MS = 3000;

/** What exists from configure to cleanup. */
interface Configured extends SettledNode {
  mounting: Mounting;
  outputs: NodeOutputs;
  services: NodeServices;
  statistics: NodeStatistics;
  scale: ScaleKeeper;
  reference: ScaleReference | undefined;
}

/**
 * The odometry node: a lifecycle node over PatchOdometry, the same core as `qpvo run`. Configure settles parameters, profile and model and opens the topics; active, images become
 * odometry. Whatever goes wrong is a log line, a state in ~/status and an entry in /diagnostics; nothing is thrown at ROS.
 */
export class OdometryNode implements LifecycleWork {
  readonly #node: RosNode;
  readonly #open: (options: OdometryOptions) => Promise<LiveOdometry>;
  readonly #leastReopenMs: number;
  readonly #diagnostics: Diagnostics;
  readonly #log: LogThrottle;
  readonly #report: NodeReport;
  #declared = new Map<string, RosParameterValue>();
  #overrides: ReadonlyMap<string, unknown>;
  #values: NodeParameters | undefined;
  #configured: Configured | undefined;
  #session: Session | undefined;
  #memory = newMemory();
  #isBreaking = false;
  #closing: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #fault = '';
  #saidNoStatus = false;

  constructor(node: RosNode, options: OdometryNodeOptions = {}) {
    this.#node = node;
    this.#open = options.open ?? openLive;
    this.#leastReopenMs = options.leastReopenMs ?? LEAST_REOPEN_MS;
    this.#overrides = node.overrides;
    this.#diagnostics = new Diagnostics(node);
    this.#log = new LogThrottle(node);
    this.#report = new NodeReport(node, this.#log);
  }

  /** Declares the parameters, takes over the lifecycle and, with autostart, configures and activates. */
  start(): void {
    const { values, declarations } = this.#declarations();
    this.#values = values;
    this.#declared = new Map(declarations.map(({ name, value }) => [name, value]));
    this.#node.declare(declarations, (changes) => this.#change(changes));
    this.#node.manage(this);
    this.#schedule(values.diagnostics_period_s);
    if (values.autostart && this.#node.transition('configure')) this.#node.transition('activate');
  }

  /** Ends everything; resolves when the image at work is done. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#report.close();
    this.#endSession();
    this.#endConfigured();
    await this.#closing;
    this.#diagnostics.close();
  }

  onConfigure(): boolean {
    return this.#attempt('configure', () => {
      this.#endConfigured();
      loadAddon();
      const settled = settleNode(this.#overrides);
      for (const line of settled.unknown) this.#node.log('warn', line);
      this.#values = settled.values;
      this.#show(settled);
      this.#configured = this.#build(settled);
      const { profile, profileReason } = settled;
      this.#node.log(
        'info',
        `profile ${profile.name}${profileReason && ` (auto: ${profileReason})`}, model ${settled.model}`,
      );
    });
  }

  onActivate(): boolean {
    return this.#attempt('activate', () => {
      const configured = this.#configured!;
      const { values, mounting, outputs, statistics, scale, reference } = configured;
      // Read now: later it includes the end of this session itself.
      const earlier = this.#closing;
      this.#session = new Session({
        node: this.#node,
        camera: {
          transport: values.image_transport,
          qos: imageQos(values.image_qos, values.image_qos_depth),
          rectified: values.rectified_images,
          calibration: values.camera_file === '' ? undefined : readCalibrationFileSync(values.camera_file),
        },
        mounting,
        body: this.#memory.body,
        outputs,
        statistics,
        scale,
        reference,
        log: this.#log,
        firstSegment: this.#memory.nextSegment,
        leastReopenMs: this.#leastReopenMs,
        parameters: () => this.#values!,
        open: async (calibration) => {
          // Two of them would need twice the memory.
          await earlier;
          const { modelDir, odometry: parameters, profile } = configured;
          const { device, runtime, precision } = profile;
          return this.#open({ calibration, modelDir, parameters, device, runtime, precision });
        },
        onBroken: (error) => this.#break(error),
      });
      const { imageTopic, infoTopic } = this.#session.camera;
      this.#node.log('info', `waiting for images on ${imageTopic}${infoTopic && ` and calibration on ${infoTopic}`}`);
    });
  }

  onDeactivate(): boolean {
    return this.#attempt('deactivate', () => {
      this.#endSession();
      this.#configured?.outputs.publishStatus();
    });
  }

  onCleanup(): boolean {
    return this.#attempt('clean up', () => {
      this.#endConfigured();
      if (!this.#isBreaking) this.#memory = newMemory();
    });
  }

  onShutdown(): boolean {
    return this.#attempt('shut down', () => {
      this.#endSession();
      this.#endConfigured();
    });
  }

  /** Another profile brings other windows: the parameters say what is in force. */
  #show({ declarations }: SettledNode): void {
    const news = new Map(
      declarations
        .filter(({ name, value }) => !isSame(this.#declared.get(name), value))
        .map(({ name, value }) => [name, value]),
    );
    if (news.size === 0) return;
    this.#node.show(news);
    for (const [name, value] of news) this.#declared.set(name, value);
  }

  /** Bad values do not keep the node from starting: configuring tells what is wrong, and they can be set right until then. */
  #declarations(): ReturnType<typeof startDeclarations> {
    try {
      return startDeclarations(this.#overrides);
    } catch (error) {
      this.#fault = messageOf(error);
      this.#node.log('error', this.#fault);
      return startDeclarations(new Map());
    }
  }

  /** Everything of a configured node, or nothing: what was made is closed again when a later part fails. */
  #build(settled: SettledNode): Configured {
    const made: { close(): void }[] = [];
    const keep = <T extends { close(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      return this.#parts(settled, keep);
    } catch (error) {
      for (const part of made) part.close();
      throw error;
    }
  }

  #parts(settled: SettledNode, keep: <T extends { close(): void }>(part: T) => T): Configured {
    const { values } = settled;
    const node = this.#node;
    const mounting = keep(
      new Mounting(node, {
        baseFrame: values.base_frame,
        cameraFrame: values.camera_optical_frame,
        baseToCamera: values.base_to_camera,
      }),
    );
    const outputs = keep(new NodeOutputs(node, values, this.#memory.poseLog, () => this.#status()));
    const T_base_camera = (): Pose | undefined => mounting.T_base_camera(this.#session?.camera.frameId ?? '');
    const onFault = (reason: string): void => this.#log.say('warn', `scale: ${reason}`);
    const reference =
      values.scale_source === 'none'
        ? undefined
        : keep(new ScaleReference(node, values.scale_source, T_base_camera, values, onFault));
    const services = keep(new NodeServices(node, this.#actions()));
    this.#sayMissing(services);
    const { nextSegment, scaleFactor } = this.#memory;
    const scale = new ScaleKeeper(nextSegment === 0 ? values.scale : 0, scaleFactor, reference?.estimator);
    return { ...settled, mounting, outputs, services, statistics: new NodeStatistics(), scale, reference };
  }

  #sayMissing(services: NodeServices): void {
    const missing = [...(this.#node.hasType(STATUS_TYPE) ? [] : [STATUS_TYPE]), ...services.missing];
    if (missing.length === 0 || this.#saidNoStatus) return;
    this.#saidNoStatus = true;
    this.#node.log(
      'warn',
      `not generated here, so their topics and services are left out: ${missing.join(', ')}. Build this package with colcon, source its workspace and run generate-ros-messages`,
    );
  }

  /** Runs the work of a transition. @returns false when it failed, with the reason in the log and in the diagnostics */
  #attempt(what: string, work: () => void): boolean {
    try {
      work();
      this.#fault = '';
      return true;
    } catch (error) {
      this.#fault = `cannot ${what}: ${messageOf(error)}`;
      this.#node.log('error', this.#fault);
      return false;
    }
  }

  /** The odometry failed as a machine: back to unconfigured, from where a new configure recovers. */
  #break(error: unknown): void {
    this.#fault = `the odometry failed: ${messageOf(error)}`;
    this.#node.log('error', `${this.#fault} The node goes back to unconfigured; configure and activate it to go on.`);
    setImmediate(() => {
      const fault = this.#fault;
      this.#isBreaking = true;
      if (this.#node.state === 'active') this.#node.transition('deactivate');
      if (this.#node.state === 'inactive') this.#node.transition('cleanup');
      this.#isBreaking = false;
      this.#fault = fault;
      // A driver that hangs is asked now, and not while configuring soon after, which would wait for it.
      void refreshGpuProbe();
    });
  }

  #endSession(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const { nextSegment, closed } = session.stop();
    this.#memory.nextSegment = nextSegment;
    this.#closing = Promise.allSettled([this.#closing, closed]);
  }

  #endConfigured(): void {
    const configured = this.#configured;
    this.#configured = undefined;
    if (configured !== undefined) this.#memory.scaleFactor = configured.scale.scale.factor;
    for (const part of [configured?.mounting, configured?.outputs, configured?.services, configured?.reference])
      part?.close();
  }

  #change(given: ReadonlyMap<string, RosParameterValue>): string {
    const isConfigured = this.#configured !== undefined;
    // What is in force already is no change that could be refused: files of parameters name many.
    const changes = new Map(
      [...given].filter(([name, value]) => !isConfigured || !isSame(this.#declared.get(name), value)),
    );
    const change = changeNode(this.#overrides, changes, isConfigured);
    if (!('values' in change)) return change.refusal;
    this.#overrides = change.overrides;
    for (const [name, value] of changes) this.#declared.set(name, value);
    this.#values = change.values;
    this.#configured?.outputs.setParameters(change.values);
    // Also the value that is there already: it may have ended with its segment.
    if (given.has('scale')) this.#configured?.scale.fix(change.values.scale);
    if (changes.has('diagnostics_period_s')) this.#schedule(change.values.diagnostics_period_s);
    return '';
  }

  #actions(): NodeActions {
    return {
      reset: () => {
        this.#active().restart('reset by a service');
        return 'a new segment begins with the next image; odom goes on from the last pose';
      },
      resetToPose: (T_odom_base: Pose) => {
        const session = this.#active();
        this.#memory.body.moveTo(T_odom_base);
        session.restart('reset to a pose');
        return 'a new segment begins at this pose with the next image';
      },
      pause: () => {
        this.#active().pause(true);
        this.#configured?.outputs.publishStatus();
        return 'paused: images are ignored';
      },
      resume: () => {
        this.#active().pause(false);
        this.#configured?.outputs.publishStatus();
        return 'going on';
      },
      setScale: (scale) => this.#setScale(scale),
      saveTrajectory: (path) => this.#saveTrajectory(path),
      state: () => odometryStatusFields(this.#status()),
    };
  }

  async #saveTrajectory(path: string): Promise<{ poses: number; message: string }> {
    const date = new Date().toISOString().replace(/[:.]/g, '-');
    const file = resolve(path === '' ? `qpvo-trajectory-${date}.tum` : path);
    const { poseLog } = this.#memory;
    const older = poseLog.forgotten;
    const poses = await poseLog.save(file);
    const text = `${poses} poses of ${this.#values!.base_frame} in ${file}`;
    return { poses, message: older > 0 ? `${text}; ${older} older ones are no longer held` : text };
  }

  #setScale(scale: number): string {
    if (!(scale >= 0 && scale <= 1e6)) {
      throw new QpvoError('QPVO_PARAMETER', {
        what: 'scale',
        expected: 'metres per unit, more than 0 and at most 1e6, or 0 for unknown',
        received: String(scale),
      });
    }
    this.#configured!.scale.fix(scale);
    return scale === 0
      ? 'the scale is unknown now (UNSCALED)'
      : `${scale} m per unit from the next image to the end of the segment`;
  }

  #active(): Session {
    if (this.#session !== undefined) return this.#session;
    throw new QpvoError('QPVO_ROS', {
      what: 'the node is not active',
      received: `the state ${this.#node.state}`,
      advice: `Activate it first: ros2 lifecycle set ${this.#node.fullName} activate.`,
    });
  }

  #status(): OdometryStatusMessage {
    return this.#report.status(this.#configured, this.#session, this.#values!, this.#fault);
  }

  #schedule(periodS: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), 1000 * periodS);
  }

  #tick(): void {
    try {
      this.#report.watch(this.#session, this.#values!);
      this.#diagnostics.publish(this.#report.facts(this.#configured, this.#session, this.#values!, this.#fault));
      if (this.#session?.isQuiet) this.#configured?.outputs.publishStatus();
    } catch (error) {
      this.#log.say('error', `diagnostics: ${messageOf(error)}`);
    }
  }
}

function isSame(a: RosParameterValue | undefined, b: RosParameterValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
