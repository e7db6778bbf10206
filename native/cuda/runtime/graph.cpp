// SPDX-License-Identifier: MIT
#include "runtime/graph.hpp"

#include "qpvo/error.hpp"

namespace qpvo::cuda {

Graph::~Graph() {
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
}

void Graph::begin(cudaStream_t stream) { check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "recording a graph"); }

void Graph::discard(cudaStream_t stream) noexcept {
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream, &graph);
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();
}

void Graph::end(cudaStream_t stream) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(stream, &graph), "recording a graph");
  cudaGraphExec_t executable = nullptr;
  std::size_t nodes = 0;
  cudaError_t status = cudaGraphGetNodes(graph, nullptr, &nodes);
  if (status == cudaSuccess) status = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "preparing a graph");
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
  executable_ = executable;
  nodes_ = nodes;
}

void Graph::replay(cudaStream_t stream) {
  if (executable_ == nullptr) throw Error("QPVO_INTERNAL", "Expected a recorded graph, but received one without a recording.");
  check(cudaGraphLaunch(executable_, stream), "replaying a graph");
}

}  // namespace qpvo::cuda
