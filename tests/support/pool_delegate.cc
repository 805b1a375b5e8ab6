// An external TFLite delegate that computes MAX_POOL_2D, and the operator of files that are compiled for an Edge TPU as a
// dense layer of floats without biases, and that can be told to fail in every way in which one can.
//
//   g++ -O2 -shared -fPIC -o pool_delegate.so pool_delegate.cc
//
// A delegate talks to its runtime through plain C structs only, so it needs no headers and no symbols of it. Declared
// here are the leading fields that are used, in the order of tensorflow/lite/core/c/common.h, which has not changed
// from TensorFlow Lite 2.14 to LiteRT 2.3.
//
// Options, each with the value 1: reject (take no node), wrong (compute zeros), chat (write to standard output, with
// terminal escapes), fail_create, fail_prepare, fail_invoke, hang_prepare, crash_create, crash_invoke, exit_create,
// exit_invoke (end the process, with exit code 0), fork_create (both go on), thread_create (one that never ends),
// stuck_create (a copy of the process that never ends), chatter_create (a thread that speaks all the time).
//
// What it does while it computes can be late: after=N, only after N calls; every=N, only at each Nth call of those;
// once=FILE, only where there is no such file, which it makes. Such are wrong, nan (of floats), late_nan (zeros at
// first, nan where it computes next), chat_invoke, fail_invoke, hang_invoke, crash_invoke, abort_invoke,
// kill_invoke, exit_invoke, throw_invoke, close_invoke (the descriptors 0 to 2), chdir_invoke, umask_invoke,
// locale_invoke, rounding_invoke, limit_invoke (address space), files_invoke (no further one may be open),
// signals_invoke (ignored), block_invoke (signals), nonblock_invoke (standard input), priority_invoke (lowered),
// processors_invoke (the first alone), shape_invoke (half of the last output that has 10 values), fork_invoke,
// helper_invoke (a program that never ends, with the file of once as an argument), thread_invoke and scrawl_invoke
// (writes to whatever descriptor there is).
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kOk = 0, kError = 1;
constexpr int kFloat32 = 1, kUInt8 = 3, kInt8 = 9;
constexpr int kMaxPool2D = 17, kDelegateOperator = 51;
constexpr int kPaddingSame = 1;
constexpr int64_t kAllowDynamicTensors = 1;

struct IntArray {
  int size;
  int data[];
};

struct Delegate;

struct Tensor {
  int type;
  void* data;
  IntArray* dims;
  struct { float scale; int32_t zero_point; } params;
  int allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  Delegate* delegate;
  int buffer_handle;
  bool data_is_stale, is_variable;
  struct { int type; void* params; } quantization;
  void* sparsity;
  const IntArray* dims_signature;
};

struct Node {
  IntArray *inputs, *outputs, *intermediates, *temporaries;
  void* user_data;
  void* builtin_data;
};

struct Context;

struct Registration {
  void* (*init)(Context*, const char* buffer, size_t length);
  void (*free)(Context*, void* buffer);
  int (*prepare)(Context*, Node*);
  int (*invoke)(Context*, Node*);
  const char* (*profiling_string)(const Context*, const Node*);
  int32_t builtin_code;
  const char* custom_name;
  int version;
  void* registration_external;
  void* (*async_kernel)(Context*, Node*);
  uint64_t inplace_operator;
};

struct Context {
  size_t tensors_size;
  int (*GetExecutionPlan)(Context*, IntArray** plan);
  Tensor* tensors;
  void* impl;
  int (*ResizeTensor)(Context*, Tensor*, IntArray* size);
  void (*ReportError)(Context*, const char* format, ...);
  int (*AddTensors)(Context*, int count, int* first);
  int (*GetNodeAndRegistration)(Context*, int index, Node**, Registration**);
  int (*ReplaceNodeSubsetsWithDelegateKernels)(Context*, Registration, const IntArray* nodes, Delegate*);
};

struct Delegate {
  void* data;
  int (*Prepare)(Context*, Delegate*);
  void *CopyFromBufferHandle, *CopyToBufferHandle, *FreeBufferHandle;
  int64_t flags;
  void* opaque_builder;
};

struct DelegateParams {
  Delegate* delegate;
  IntArray *nodes_to_replace, *input_tensors, *output_tensors;
};

struct PoolParams {
  int padding, stride_width, stride_height, filter_width, filter_height, activation;
};

struct Options : std::set<std::string> {  // those that are on
  std::map<std::string, std::string> values;  // of those that take one
  int calls = 0;

  int Number(const char* name, int otherwise) const {
    const auto found = values.find(name);
    return found == values.end() ? otherwise : std::atoi(found->second.c_str());
  }

  // Whether this call is one at which it does what it is told.
  bool IsDue() const {
    const int late = calls - Number("after", 0);
    if (late <= 0 || late % std::max(1, Number("every", 1))) return false;
    const auto file = values.find("once");
    return file == values.end() || open(file->second.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600) >= 0;
  }
};

struct Pool {
  PoolParams params;
  int input, output;  // tensor indices
  int weights;  // -1 but for the dense layer
};

struct Kernel {  // one partition
  std::vector<Pool> pools;
  Options* options;
  bool is_first;  // of the partitions: it counts the calls
};

// Pixels that "same" padding adds before the first row or column.
int PaddingBefore(int padding, int in, int out, int stride, int filter) {
  return padding == kPaddingSame ? std::max(0, (out - 1) * stride + filter - in) / 2 : 0;
}

template <typename T>
void MaxPool(const Tensor& input, Tensor& output, const PoolParams& p) {
  const int batches = input.dims->data[0], channels = input.dims->data[3];
  const int in_height = input.dims->data[1], in_width = input.dims->data[2];
  const int out_height = output.dims->data[1], out_width = output.dims->data[2];
  const int above = PaddingBefore(p.padding, in_height, out_height, p.stride_height, p.filter_height);
  const int left = PaddingBefore(p.padding, in_width, out_width, p.stride_width, p.filter_width);
  const T* from = static_cast<const T*>(input.data);
  T* to = static_cast<T*>(output.data);
  for (int b = 0; b < batches; b++)
    for (int y = 0; y < out_height; y++)
      for (int x = 0; x < out_width; x++)
        for (int c = 0; c < channels; c++) {
          const int top = y * p.stride_height - above, start = x * p.stride_width - left;
          const int bottom = std::min(top + p.filter_height, in_height);
          const int end = std::min(start + p.filter_width, in_width);
          bool first = true;
          T largest{};
          for (int row = std::max(top, 0); row < bottom; row++)
            for (int column = std::max(start, 0); column < end; column++) {
              const T value = from[((b * in_height + row) * in_width + column) * channels + c];
              largest = first ? value : std::max(largest, value);
              first = false;
            }
          to[((b * out_height + y) * out_width + x) * channels + c] = largest;
        }
}

void Dense(const Tensor& input, const Tensor& weights, Tensor& output) {
  const int outs = weights.dims->data[0], ins = weights.dims->data[1];
  const auto *x = static_cast<const float*>(input.data), *w = static_cast<const float*>(weights.data);
  auto* to = static_cast<float*>(output.data);
  for (int o = 0; o < outs; o++) {
    to[o] = 0;
    for (int i = 0; i < ins; i++) to[o] += w[o * ins + i] * x[i];
  }
}

bool IsCompiled(const Registration& registration) {
  return registration.builtin_code == 32 && registration.custom_name &&
         !strcmp(registration.custom_name, "edgetpu-custom-op");
}

int Compute(const Tensor& input, Tensor& output, const PoolParams& params) {
  switch (input.type) {
    case kFloat32: MaxPool<float>(input, output, params); return kOk;
    case kInt8: MaxPool<int8_t>(input, output, params); return kOk;
    case kUInt8: MaxPool<uint8_t>(input, output, params); return kOk;
  }
  return kError;
}

void* KernelInit(Context* context, const char* buffer, size_t) {
  const auto* given = reinterpret_cast<const DelegateParams*>(buffer);
  auto* kernel = new Kernel{{}, static_cast<Options*>(given->delegate->data), false};
  kernel->is_first = !kernel->options->count("seen");
  kernel->options->insert("seen");
  for (int i = 0; i < given->nodes_to_replace->size; i++) {
    Node* node;
    Registration* registration;
    context->GetNodeAndRegistration(context, given->nodes_to_replace->data[i], &node, &registration);
    Pool pool{{}, node->inputs->data[0], node->outputs->data[0], -1};
    if (IsCompiled(*registration)) pool.weights = node->inputs->data[1];
    else memcpy(&pool.params, node->builtin_data, sizeof pool.params);
    kernel->pools.push_back(pool);
  }
  return kernel;
}

void KernelFree(Context*, void* kernel) { delete static_cast<Kernel*>(kernel); }

int KernelPrepare(Context*, Node*) { return kOk; }

void StartThread() {
  std::thread([] { for (;;) pause(); }).detach();
}

void Limit(__rlimit_resource what, rlim_t most) {
  rlimit limit;
  getrlimit(what, &limit);
  limit.rlim_cur = most;
  setrlimit(what, &limit);
}

void StartCopy() {
  if (!fork()) for (;;) pause();
}

void StartHelper(const Options& options) {
  const auto file = options.values.find("once");
  const char* name = file == options.values.end() ? "/dev/null" : file->second.c_str();
  if (!fork()) _exit(execlp("tail", "tail", "-f", name, static_cast<char*>(nullptr)));
}

void Chat() {
  for (int to : {1, 2}) dprintf(to, "pool delegate: \x1b]0;owned\x07\x1b[31mchatter\n");
}

void StartChatter() {
  std::thread([] { for (;; usleep(1000)) Chat(); }).detach();
}

// What it does to the whole process, if it is told to.
void Misbehave(const Options& options) {
  if (options.count("helper_invoke")) StartHelper(options);
  if (options.count("crash_invoke")) raise(SIGSEGV);
  if (options.count("abort_invoke")) abort();
  if (options.count("kill_invoke")) raise(SIGKILL);
  if (options.count("exit_invoke")) _exit(0);
  if (options.count("throw_invoke")) throw std::runtime_error("pool delegate: told to throw");
  if (options.count("hang_invoke")) for (;;) pause();
  if (options.count("chat_invoke")) Chat();
  if (options.count("close_invoke"))
    for (int descriptor : {0, 1, 2}) close(descriptor);
  if (options.count("fork_invoke")) fork();
  if (options.count("thread_invoke")) StartThread();
  if (options.count("scrawl_invoke"))
    for (int descriptor = 3; descriptor < 64; descriptor++) dprintf(descriptor, "pool delegate was here, and here");
  if (options.count("chdir_invoke") && chdir("/")) abort();
  if (options.count("umask_invoke")) umask(0777);
  if (options.count("locale_invoke")) setlocale(LC_ALL, "C");
  if (options.count("rounding_invoke")) fesetround(FE_UPWARD);
  if (options.count("limit_invoke")) Limit(RLIMIT_AS, 1 << 20);
  if (options.count("files_invoke")) Limit(RLIMIT_NOFILE, 3);
  if (options.count("signals_invoke"))
    for (int number : {SIGINT, SIGTERM, SIGCHLD}) signal(number, SIG_IGN);
  if (options.count("block_invoke")) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
  }
  if (options.count("priority_invoke")) setpriority(PRIO_PROCESS, 0, 19);
  if (options.count("processors_invoke")) {
    cpu_set_t first, all;
    sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&first);
    for (int one = 0; one < CPU_SETSIZE && !CPU_COUNT(&first); one++)
      if (CPU_ISSET(one, &all)) CPU_SET(one, &first);
    sched_setaffinity(0, sizeof first, &first);
  }
  if (options.count("nonblock_invoke")) fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK);
}

// What a runtime would give out as the probabilities of ten classes.
Tensor* LastOfTen(Context* context) {
  for (size_t i = context->tensors_size; i-- > 0;) {
    Tensor& tensor = context->tensors[i];
    if (tensor.dims && tensor.dims->size == 2 && tensor.dims->data[1] == 10) return &tensor;
  }
  return nullptr;
}

int KernelInvoke(Context* context, Node* node) {
  const auto* kernel = static_cast<const Kernel*>(node->user_data);
  if (kernel->is_first) {
    kernel->options->calls++;
    kernel->options->erase("due");
    if (kernel->options->IsDue()) kernel->options->insert("due");
  }
  const bool due = kernel->options->count("due");
  if (due) Misbehave(*kernel->options);
  if (due && kernel->options->count("fail_invoke")) {
    context->ReportError(context, "pool delegate: told to fail in invoke\x1b[2J\n");
    return kError;
  }
  for (const Pool& pool : kernel->pools) {
    Tensor* tensors = context->tensors;
    if (pool.weights >= 0) {
      Dense(tensors[pool.input], tensors[pool.weights], tensors[pool.output]);
      continue;
    }
    Tensor& output = tensors[pool.output];
    if (Compute(tensors[pool.input], output, pool.params)) return kError;
    if (due && kernel->options->count("wrong")) memset(output.data, 0, output.bytes);
    if (due && kernel->options->count("nan")) memset(output.data, 0xFF, output.bytes);
    if (due && kernel->options->count("shape_invoke"))
      if (Tensor* last = LastOfTen(context)) last->dims->data[1] = 5;
    if (due && kernel->options->count("late_nan")) memset(output.data, kernel->is_first ? 0 : 0xFF, output.bytes);
  }
  return kOk;
}

bool Takes(Context* context, const Node& node, const Registration& registration) {
  const int type = context->tensors[node.inputs->data[0]].type;
  if (IsCompiled(registration)) return type == kFloat32;
  return registration.builtin_code == kMaxPool2D && (type == kFloat32 || type == kInt8 || type == kUInt8);
}

int Prepare(Context* context, Delegate* delegate) {
  const auto& options = *static_cast<const Options*>(delegate->data);
  if (options.count("hang_prepare")) pause();
  if (options.count("fail_prepare")) {
    context->ReportError(context, "pool delegate: told to fail in prepare\n");
    return kError;
  }
  IntArray* plan;
  if (context->GetExecutionPlan(context, &plan)) return kError;
  const std::vector<int> nodes(plan->data, plan->data + plan->size);  // the next calls overwrite the plan
  std::vector<int> taken;
  for (int index : nodes) {
    Node* node;
    Registration* registration;
    if (context->GetNodeAndRegistration(context, index, &node, &registration)) return kError;
    if (!options.count("reject") && Takes(context, *node, *registration)) taken.push_back(index);
  }
  if (taken.empty()) return kOk;
  auto* list = static_cast<IntArray*>(malloc(sizeof(int) * (taken.size() + 1)));
  list->size = static_cast<int>(taken.size());
  std::copy(taken.begin(), taken.end(), list->data);
  Registration kernel{};
  kernel.init = KernelInit;
  kernel.free = KernelFree;
  kernel.prepare = KernelPrepare;
  kernel.invoke = KernelInvoke;
  kernel.builtin_code = kDelegateOperator;
  kernel.custom_name = "PoolDelegate";
  kernel.version = 1;
  const int status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, list, delegate);
  free(list);
  return status;
}

}  // namespace

extern "C" {

// What a runtime looks for in an external delegate's library.
Delegate* tflite_plugin_create_delegate(const char* const* keys, const char* const* values, size_t count,
                                        void (*report_error)(const char*)) {
  static const std::set<std::string> known = {
      "chat", "reject", "wrong", "fail_create", "fail_prepare", "fail_invoke", "hang_prepare",
      "hang_invoke", "crash_create", "crash_invoke", "abort_invoke", "kill_invoke", "exit_create", "exit_invoke",
      "throw_invoke", "chat_invoke", "close_invoke", "chdir_invoke", "umask_invoke", "locale_invoke",
      "rounding_invoke", "limit_invoke", "fork_invoke", "scrawl_invoke", "nan", "late_nan", "fork_create",
      "thread_create", "thread_invoke", "stuck_create", "files_invoke", "signals_invoke", "block_invoke", "nonblock_invoke",
      "helper_invoke", "chatter_create", "priority_invoke", "processors_invoke", "shape_invoke"};
  static const std::set<std::string> numbers = {"after", "every", "once"};
  auto* options = new Options;
  for (size_t i = 0; i < count; i++) {
    if (numbers.count(keys[i])) {
      options->values[keys[i]] = values[i];
      continue;
    }
    if (!known.count(keys[i])) {
      report_error((std::string("pool delegate: unknown option ") + keys[i]).c_str());
      delete options;
      return nullptr;
    }
    if (std::string(values[i]) == "1") options->insert(keys[i]);
  }
  if (options->count("stuck_create")) StartCopy();
  if (options->count("crash_create")) raise(SIGSEGV);
  if (options->count("exit_create")) _exit(0);
  if (options->count("fork_create")) fork();
  if (options->count("thread_create")) StartThread();
  if (options->count("chatter_create")) StartChatter();
  if (options->count("chat")) {
    std::puts("pool delegate: hello \x1b[31m");
    std::fflush(stdout);
  }
  if (options->count("fail_create")) {
    report_error("pool delegate: told to fail in create");
    delete options;
    return nullptr;
  }
  auto* delegate = new Delegate{};
  delegate->data = options;
  delegate->Prepare = Prepare;
  delegate->flags = kAllowDynamicTensors;  // or operators that the runtime lacks are prepared before it is asked
  return delegate;
}

void tflite_plugin_destroy_delegate(Delegate* delegate) {
  if (!delegate) return;  // what could not be created is destroyed all the same
  delete static_cast<Options*>(delegate->data);
  delete delegate;
}

}  // extern "C"
