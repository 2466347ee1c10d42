// What the program's exit status means; docs/configuration.md lists the same.
#pragma once

namespace strata::roof {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // the operation was understood, tried and failed
  kUsage = 2,        // the command line, environment or configuration file is wrong
  kUnreachable = 3,  // no server answers on the data folder's control socket
  kDataInUse = 4,    // another server holds the data folder
};

}  // namespace strata::roof
