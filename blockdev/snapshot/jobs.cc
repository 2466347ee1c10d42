#include "blockdev/snapshot/jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/log.h"

namespace strata::snapshot {

Jobs::~Jobs() {
  stop();
}

Result<uint64_t> Jobs::begin(std::string what, Work work) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return Error(Code::kClosed, "the server stops");
  const auto running = std::count_if(jobs_.begin(), jobs_.end(),
                                     [](const auto& one) { return !one.second->end.has_value(); });
  if (static_cast<size_t>(running) >= kJobsMax) {
    return Error(Code::kBusy, fmt::format("{} jobs are under way already; wait for one", kJobsMax));
  }
  forget_old();
  const uint64_t id = ++last_id_;
  auto job = std::make_unique<Job>();
  Job* const self = job.get();
  self->what = std::move(what);
  jobs_.emplace(id, std::move(job));
  // It takes the mutex at its end only, so it may run before this returns.
  self->thread = std::thread([this, self, work = std::move(work)] {
    Result<std::string> end = work(self->progress);
    if (!end.ok()) {
      log::warning("snapshot.job_failed",
                   {{"job", self->what}, {"error", end.error().to_string()}});
    }
    const std::lock_guard ended(mutex_);
    self->end = std::move(end);
  });
  return id;
}

void Jobs::forget_old() {
  for (auto at = jobs_.begin(); at != jobs_.end() && jobs_.size() >= kEndedJobsKept;) {
    if (!at->second->end) {
      ++at;
      continue;
    }
    at->second->thread.join();
    at = jobs_.erase(at);
  }
}

Result<JobStatus> Jobs::show(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return Error(Code::kNotFound, fmt::format("there is no job {}", id));
  const Job& job = *found->second;
  JobStatus out;
  out.id = id;
  out.what = job.what;
  out.done_bytes = job.progress.done_bytes.load();
  out.total_bytes = job.progress.total_bytes.load();
  out.ended = job.end.has_value();
  if (!out.ended) return out;
  out.failed = !job.end->ok();
  out.message = out.failed ? job.end->error().message : job.end->value();
  if (out.failed) out.code = job.end->error().code;
  return out;
}

Status Jobs::cancel(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return Error(Code::kNotFound, fmt::format("there is no job {}", id));
  found->second->progress.cancelled.store(true);
  return {};
}

void Jobs::stop() {
  std::vector<Job*> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, job] : jobs_) {
      job->progress.cancelled.store(true);
      all.push_back(job.get());
    }
  }
  for (Job* job : all) {
    if (job->thread.joinable()) job->thread.join();
  }
}

}  // namespace strata::snapshot
