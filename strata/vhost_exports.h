// The volumes that are disks of virtual machines: a vhost-user server each, and the list of them,
// kept in the data folder so that a server that starts again serves the machines that wait.
//
// The list is DATA/vhost-user.json, replaced as a whole:
//
//   {"version": 1, "exports": [{"volume": "db", "socket": "/run/db.sock", "queues": 1,
//                               "read_only": false, "token": "0123..."}]}
//
// The token names the export as the volume's writer: one machine writes, and who else wants to is
// refused. A list of a newer version is not touched.
//
// Thread rule: opened, started and stopped by one thread; all else from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "blockdev/vhost_user/server.h"
#include "blockdev/volume/catalog.h"
#include "common/base/random.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics.h"

namespace strata::roof {

inline constexpr size_t kVhostExportsMax = 256;

struct VhostExport {
  std::string volume = {};
  std::string socket = {};                         // an absolute path
  uint32_t queues = vhost_user::kServerQueuesMax;  // that the machine may have
  bool read_only = false;
  std::string token = {};
  // Of the running server.
  bool connected = false;
  std::string problem = {};  // why it is not served
};

class VhostExports {
 public:
  // What is handed in outlives this.
  struct Ground {
    io::FileSystem& files;
    volume::Catalog& catalog;
    device::ExportTable& exports;
    metrics::Registry& registry;
    RandomSource& random;
  };
  // Reads the list. kCorrupt names the file and what to do.
  [[nodiscard]] static Result<std::unique_ptr<VhostExports>> open(const Ground& ground,
                                                                  const std::string& data);
  ~VhostExports();
  VhostExports(const VhostExports&) = delete;
  VhostExports& operator=(const VhostExports&) = delete;

  // Serves what is on the list. One that cannot be served is logged, and stays on the list.
  void start();
  void stop(Deadline deadline);

  // Serves the volume at the socket from now on. Asking again for what is there changes nothing;
  // kConflict if the socket serves something else or the volume has a writing export already.
  [[nodiscard]] Result<VhostExport> add(VhostExport wanted);
  // Ends all exports of the volume, or the one at the socket. kNotFound if there is none; kConflict
  // while a machine is connected, but for `in_use`.
  [[nodiscard]] Status remove(const std::string& volume, const std::string& socket, bool in_use);
  [[nodiscard]] std::vector<VhostExport> list() const;
  [[nodiscard]] bool has(const std::string& volume) const;
  // The volume has another size: its machine is told.
  void refresh(const std::string& volume);

 private:
  struct Entry {
    VhostExport settings;
    std::unique_ptr<vhost_user::Server> server;
  };
  VhostExports(const Ground& ground, std::string path) : ground_(ground), path_(std::move(path)) {}
  [[nodiscard]] Status load();
  [[nodiscard]] Status save() const;
  [[nodiscard]] Status serve(Entry& entry) const;

  const Ground ground_;
  const std::string path_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // under mutex_
  bool stopped_ = false;        // under mutex_
};

}  // namespace strata::roof
