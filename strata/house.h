// House: the whole running server, composed from its rooms. It decides nothing.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "common/async/blocking_pool.h"
#include "common/base/random.h"
#include "common/io/clock.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"
#include "common/worker/crew.h"
#include "strata/admin_handler.h"
#include "strata/banner.h"
#include "strata/block_half.h"
#include "strata/certificate_watch.h"
#include "strata/control_api.h"
#include "strata/data_folder.h"
#include "strata/drive_list.h"
#include "strata/loop_threads.h"
#include "strata/object_half.h"
#include "strata/server_status.h"
#include "strata/web_server.h"

namespace strata::roof {

// Thread rule: started and stopped by one thread; status() from any thread in between.
class House {
 public:
  // Takes the data folder, recovers what is in it, and serves. kConflict with the reason
  // kDataInUseReason if another server has the folder.
  [[nodiscard]] static Result<std::unique_ptr<House>> start(ServeOptions options,
                                                            Credentials credentials);
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  // Accepts nothing new, answers what is under way until the deadline, and closes the rooms.
  void stop(Deadline deadline);

  [[nodiscard]] ServerStatus status() const;
  [[nodiscard]] BannerFacts facts() const;

 private:
  House(ServeOptions options, Credentials credentials);
  [[nodiscard]] Status open_rooms();
  [[nodiscard]] Status open_servers();
  [[nodiscard]] Result<std::unique_ptr<WebServer>> open_web(const char* wire,
                                                            const HostPort& address,
                                                            http::Handler& handler,
                                                            const tls::CurrentContext* tls);
  [[nodiscard]] Readiness readiness() const;
  [[nodiscard]] std::vector<ListenerStatus> listeners() const;
  void add_gauges();

  // In the order in which they are made; destroyed the other way round.
  const ServeOptions options_;
  const Credentials credentials_;
  std::unique_ptr<io::FileSystem> files_;
  io::SystemClock clock_;
  SystemRandom random_;
  metrics::Registry registry_;
  std::unique_ptr<DataFolder> data_folder_;
  std::unique_ptr<DriveList> drive_list_;
  std::unique_ptr<async::BlockingPool> pool_;
  std::unique_ptr<LoopThreads> loops_;
  std::unique_ptr<ObjectHalf> objects_;
  std::unique_ptr<BlockHalf> blocks_;
  std::unique_ptr<worker::Crew> crew_;
  std::unique_ptr<AdminHandler> admin_handler_;
  std::unique_ptr<ControlHandler> control_handler_;
  std::unique_ptr<CertificateWatch> certificate_;  // null: S3 is served in the clear
  std::unique_ptr<WebServer> s3_server_;
  std::unique_ptr<WebServer> website_server_;
  std::unique_ptr<WebServer> admin_server_;
  std::unique_ptr<WebServer> control_server_;
  std::atomic<bool> draining_{false};
  std::atomic<int64_t> ready_ms_{0};
};

}  // namespace strata::roof
