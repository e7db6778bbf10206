// SPDX-License-Identifier: MIT
#include <memory>

#include "device.hpp"

using namespace qpvo::emulation;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return call([&] {
    *stream = *device().streams.insert(new CUstream_st).first;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::scoped_lock lock(device().mutex);
  try {
    drain(stream);
  } catch (...) {
    device().failure = std::current_exception();
  }
  device().streams.erase(stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return countedCall([&] {
    if (stream == nullptr || stream->recording != nullptr) return cudaErrorStreamCaptureUnsupported;
    drain(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return call([&] {
    *event = new CUevent_st;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::scoped_lock lock(device().mutex);
  if (event->stream != nullptr && device().streams.count(event->stream) != 0) drain(event->stream, event);
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return countedCall([&] {
    event->stream = stream;
    event->reached = false;
    enqueue(stream, "an event", [event] {
      event->reached = true;
      event->when = std::chrono::steady_clock::now();
    });
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return countedCall([&] {
    if (!event->reached) drain(event->stream, event);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return countedCall([&] {
    if (event->stream == stream) return cudaSuccess;
    enqueue(stream, "a wait", [event] {
      if (!event->reached) drain(event->stream, event);
    });
    return cudaSuccess;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&] {
    if (!start->reached || !end->reached) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->when - start->when).count();
    return cudaSuccess;
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return countedCall([&] {
    if (stream == nullptr || stream->recording != nullptr) return cudaErrorStreamCaptureUnsupported;
    stream->recording = new CUgraph_st;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::scoped_lock lock(device().mutex);
  *graph = std::exchange(stream->recording, nullptr);
  return *graph == nullptr ? cudaErrorInvalidValue : cudaSuccess;
}

/// Counts them only: nodes must be null.
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, CUgraphNode_st** nodes, std::size_t* count) {
  if (nodes != nullptr) return cudaErrorInvalidValue;
  *count = graph->work.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  return call([&] {
    *executable = new CUgraphExec_st{graph->work};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  return countedCall([&] {
    for (const Work& work : executable->work) enqueue(stream, "a graph", work);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
