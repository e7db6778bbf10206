// SPDX-License-Identifier: MIT
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from './compiled.ts';

/** A module whose encoders are refused, as TensorRT refuses a plan: the message tells what it was given. */
const SOURCE = `
#include <string>
#include "qpvo/error.hpp"
#include "tensorrt/module.hpp"
using namespace qpvo;
static std::string version() { return "10.3.0.26"; }
static void countIn(cuda::Tally& tally) { tally.now.device = 7; }
static std::string textOf(const tensorrt::Plan& plan) { return std::to_string(plan.size) + " bytes for core " + std::to_string(plan.dlaCore); }
static cuda::DeviceEncoder* openEncoder(const tensorrt::EncoderRequest& request, const cuda::Context&) {
  throw Error("QPVO_ENGINE", "not this plan: " + textOf(request.features) + " and " + textOf(request.context));
}
extern "C" __attribute__((visibility("default"))) const tensorrt::ModuleTable* qpvo_tensorrt_module() {
  static const tensorrt::ModuleTable table{SURFACE, version, countIn, openEncoder, nullptr};
  return &table;
}`;

/** Compiles it into the folder under this name, of this surface, and returns where it is. */
export function compileDoubleModule(folder: string, name: string, surface = 'tensorrt::kModuleSurface'): string {
  const source = join(folder, `${name}.cpp`);
  const module = join(folder, name);
  writeFileSync(source, SOURCE);
  compile([`-DSURFACE=${surface}`, '-shared', source, '-o', module]);
  return module;
}
