#include "common/worker/crew.h"

#include <fmt/format.h>
#include <pthread.h>

#include "common/base/check.h"
#include "common/base/log.h"

namespace strata::worker {
namespace {

// The kernel's limit for a thread's name.
constexpr size_t kThreadNameBytes = 15;

}  // namespace

struct Crew::Post {
  Post(Worker& who, uint64_t its_default_rate, const Settings& settings)
      : worker(who),
        default_rate(its_default_rate),
        rate_is_default(!settings.rate),
        shift(settings.rate.value_or(its_default_rate), settings.paused) {}
  Worker& worker;
  const uint64_t default_rate;
  bool rate_is_default;  // guarded by mutex_, and so is the rest
  Shift shift;
  bool ended = false;
  std::thread thread;  // by the thread that starts and stops
};

Crew::Crew(io::FileSystem& files, std::string path, const io::Clock& clock)
    : files_(files), path_(std::move(path)), clock_(clock) {
  load();
}

Crew::~Crew() {
  (void)stop(Deadline::never());
}

void Crew::load() {
  const Result<ByteVector> bytes = io::read_file(files_, path_, kSettingsBytesMax);
  if (!bytes.ok() && bytes.error().code == Code::kNotFound) return;
  const auto read = [&]() -> Result<SettingsByName> {
    if (!bytes.ok()) return bytes.error();
    return parse_settings(as_text(*bytes));
  };
  Result<SettingsByName> settings = read();
  if (settings.ok()) {
    settings_ = std::move(*settings);
    return;
  }
  log::warning("workers.settings", {{"path", path_},
                                    {"error", settings.error().to_string()},
                                    {"note", "all workers have their defaults"}});
}

void Crew::add(Worker& worker, uint64_t default_rate) {
  CHECK(!started_ && posts_.size() < kWorkersMax, "workers are added before the start");
  CHECK(is_worker_name(worker.name()) && !find(worker.name()).ok(), "a worker's name is its own");
  const auto found = settings_.find(worker.name());
  const Settings settings = found == settings_.end() ? Settings{} : found->second;
  posts_.push_back(std::make_unique<Post>(worker, default_rate, settings));
}

void Crew::start() {
  CHECK(!started_, "a crew starts once");
  started_ = true;
  for (const std::unique_ptr<Post>& post : posts_) {
    post->thread = std::thread([this, target = post.get()] {
      const std::string name(target->worker.name().substr(0, kThreadNameBytes));
      pthread_setname_np(pthread_self(), name.c_str());
      work(*target);
    });
  }
}

void Crew::work(Post& post) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::optional<SteadyTime> due = post.shift.due();
    const SteadyTime now = clock_.steady_now();
    if (!due) {
      changed_.wait(lock);
      continue;
    }
    if (*due > now) {
      changed_.wait_for(lock, *due - now);
      continue;
    }
    post.shift.step_begins();
    lock.unlock();
    const Result<Step> step = post.worker.step();
    if (!step.ok()) {
      log::warning("worker.failed",
                   {{"worker", post.worker.name()}, {"error", step.error().to_string()}});
    }
    lock.lock();
    post.shift.step_ended(step, clock_.steady_now());
  }
  post.ended = true;
  changed_.notify_all();
}

Status Crew::stop(Deadline deadline) {
  const Post* late = nullptr;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
    for (const std::unique_ptr<Post>& post : posts_) {
      if (!post->thread.joinable()) continue;
      const auto ended = [&] { return post->ended; };
      if (deadline.is_never()) {
        changed_.wait(lock, ended);
      } else if (!changed_.wait_until(lock, deadline.when(), ended)) {
        if (late == nullptr) late = post.get();  // those behind it had no time left to end
      }
    }
  }
  if (late != nullptr) {
    return Error(Code::kTimeout, fmt::format("the worker {} is still at its step; it ends after it",
                                             late->worker.name()));
  }
  for (const std::unique_ptr<Post>& post : posts_) {
    if (post->thread.joinable()) post->thread.join();
  }
  return {};
}

Result<Crew::Post*> Crew::find(std::string_view name) const {
  std::string names;
  for (const std::unique_ptr<Post>& post : posts_) {
    if (post->worker.name() == name) return post.get();
    names += (names.empty() ? "" : ", ") + std::string(post->worker.name());
  }
  return Error(Code::kNotFound, fmt::format("there is no worker '{}'; there are: {}", name, names));
}

WorkerStatus Crew::status_of(const Post& post) const {
  WorkerStatus status;
  status.name = post.worker.name();
  status.purpose = post.worker.purpose();
  status.state = post.shift.state();
  status.rate = post.shift.rate();
  status.rate_is_default = post.rate_is_default;
  status.progress = post.worker.progress();
  status.bytes = post.shift.bytes();
  status.failures = post.shift.failures();
  status.reason = post.shift.reason();
  if (const std::optional<SteadyTime> due = post.shift.due()) {
    const Duration left = std::max(*due - clock_.steady_now(), Duration::zero());
    status.next = std::chrono::duration_cast<std::chrono::milliseconds>(left);
  }
  return status;
}

std::vector<WorkerStatus> Crew::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<WorkerStatus> all;
  all.reserve(posts_.size());
  for (const std::unique_ptr<Post>& post : posts_) all.push_back(status_of(*post));
  return all;
}

Result<WorkerStatus> Crew::show(std::string_view name) const {
  TRY_ASSIGN(const Post* const post, find(name));
  const std::lock_guard lock(mutex_);
  return status_of(*post);
}

Status Crew::begin(std::string_view name) {
  TRY_ASSIGN(Post* const post, find(name));
  const std::lock_guard lock(mutex_);
  if (post->shift.paused()) {
    return Error(Code::kConflict,
                 fmt::format("the worker {} is paused; resume it first: strata worker resume {}",
                             name, name));
  }
  post->worker.begin();
  post->shift.wake(clock_.steady_now());
  changed_.notify_all();
  return {};
}

// Kept first: what was asked for and could not be kept would be forgotten at the next start.
Status Crew::keep(const Post& post, const Settings& settings) {
  SettingsByName all = settings_;
  all.insert_or_assign(std::string(post.worker.name()), settings);
  const std::string text = render_settings(all);
  TRY(io::write_file_atomic(files_, path_, as_bytes(text)));
  settings_ = std::move(all);
  return {};
}

Status Crew::pause(std::string_view name) {
  TRY_ASSIGN(Post* const post, find(name));
  const std::lock_guard settings_lock(settings_mutex_);
  Settings settings = settings_[std::string(name)];
  settings.paused = true;
  TRY(keep(*post, settings));
  const std::lock_guard lock(mutex_);
  post->shift.set_paused(true);
  changed_.notify_all();
  return {};
}

Status Crew::resume(std::string_view name) {
  TRY_ASSIGN(Post* const post, find(name));
  const std::lock_guard settings_lock(settings_mutex_);
  Settings settings = settings_[std::string(name)];
  settings.paused = false;
  TRY(keep(*post, settings));
  const std::lock_guard lock(mutex_);
  post->shift.set_paused(false);
  changed_.notify_all();
  return {};
}

Status Crew::set_rate(std::string_view name, std::optional<uint64_t> rate) {
  TRY_ASSIGN(Post* const post, find(name));
  const std::lock_guard settings_lock(settings_mutex_);
  Settings settings = settings_[std::string(name)];
  settings.rate = rate;
  TRY(keep(*post, settings));
  const std::lock_guard lock(mutex_);
  post->rate_is_default = !rate;
  post->shift.set_rate(rate.value_or(post->default_rate), clock_.steady_now());
  changed_.notify_all();
  return {};
}

void Crew::clock_moved() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

}  // namespace strata::worker
