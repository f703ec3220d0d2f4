// pipebd-engine: one rank. Reports metrics on standard output (docs/formats/metrics.md), people's text on standard error.
//
//     pipebd-engine train --spec FILE [--metrics DIR]
//     pipebd-engine profile|check|evaluate --spec FILE
//     pipebd-engine devices|pairs
//     pipebd-engine pair NAME [FOLDER]
//     pipebd-engine import --request FILE
//
// With --metrics the rank's lines also go to DIR/rank-N.jsonl.
//
// Exit status: 0 done, 1 failed, 2 invalid request.

#include "base/error.h"
#include "base/file.h"
#include "base/foreign_error.h"
#include "engine/device/backend.h"
#include "engine/device/out_of_memory.h"
#include "engine/engine.h"
#include "engine/graph/import_models.h"
#include "engine/transport/transport.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <malloc.h>
#include <new>
#include <string_view>
#include <sys/prctl.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

namespace {

using pipebd::Code;
using pipebd::Error;

constexpr std::string_view usage = R"(One rank of a run, or the answer to a question of pipebd. Started by pipebd.

    pipebd-engine train --spec FILE [--metrics DIR]   run one rank, as given by RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and
                                                      MASTER_PORT; metrics go to standard output and to DIR/rank-N.jsonl
    pipebd-engine profile --spec FILE                 measure block costs
    pipebd-engine check --spec FILE                   check whether it can be trained
    pipebd-engine evaluate --spec FILE                test how well the teacher classifies
    pipebd-engine devices                             list the devices of this machine
    pipebd-engine pairs                               list the built-in pairs
    pipebd-engine pair NAME [FOLDER]                  describe one pair, block by block
    pipebd-engine import --request FILE               make a pair from two model files
    pipebd-engine --help, --version

A rank prints one JSON object per line on standard output (docs/formats/metrics.md), and text for people on standard error.
Exit status: 0 done, 1 failed, 2 invalid request.
)";

/// The parent's end is ours, also under torchrun; if it ended before we asked, so do we.
void follow_parent()
{
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

int run(int argc, char** argv, pipebd::engine::Reporter& reporter)
{
    std::string_view command = argc > 1 ? argv[1] : "";
    if (argc == 2 && (command == "--help" || command == "-h" || command == "--version")) {
        // Descriptor 1 is standard error by now, and its old self is for metrics.
        reporter.print(command == "--version" ? "pipebd-engine " PIPEBD_VERSION ", LibTorch " TORCH_VERSION "\n" : usage);
        return 0;
    }
    if (command == "devices" && argc == 2) {
        pipebd::engine::list_devices(reporter);
        return 0;
    }
    if (command == "pairs" && argc == 2) {
        pipebd::engine::list_pairs(reporter);
        return 0;
    }
    if (command == "pair" && (argc == 3 || argc == 4)) {
        pipebd::engine::show_pair(argv[2], argc == 4 ? argv[3] : "", reporter);
        return 0;
    }
    if (command == "import" && argc == 4 && std::string_view(argv[2]) == "--request") {
        pipebd::engine::import_models(argv[3], reporter);
        return 0;
    }
    const bool known = command == "train" || command == "profile" || command == "check" || command == "evaluate";
    const bool with_metrics = command == "train" && argc == 6 && std::string_view(argv[4]) == "--metrics";
    if (!known || (argc != 4 && !with_metrics) || std::string_view(argv[2]) != "--spec")
        throw Error(Code::BadRequest, "unknown command line", argc > 1 ? argv[1] : "no command", "pipebd-engine --help lists them");
    if (with_metrics) {
        const int rank = pipebd::engine::Rendezvous::from_environment().rank;
        reporter.set_rank(rank);
        reporter.copy_to(std::filesystem::path(argv[5]) / ("rank-" + std::to_string(rank) + ".jsonl"));
    }
    pipebd::experiment::RunSpec spec = pipebd::experiment::run_spec_from_json(pipebd::read_file(argv[3]), argv[3]);
    if (command == "train")
        pipebd::engine::train(spec, reporter);
    else if (command == "profile")
        pipebd::engine::profile(spec, reporter);
    else if (command == "evaluate")
        pipebd::engine::evaluate(spec, reporter);
    else
        pipebd::engine::check(spec, reporter);
    return 0;
}

bool is_request(Code code)
{
    return code == Code::BadRequest || code == Code::NotFound || code == Code::Damaged || code == Code::Newer;
}

} // namespace

int main(int argc, char** argv)
{
    follow_parent();
    // A page that glibc gives back is mapped anew, and zeroed, at its next use: keep what a step has touched.
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);

    pipebd::engine::run_milliseconds(); // the clock starts now
    pipebd::engine::Reporter reporter;
    const auto report_no_memory
        = [&] { reporter.report(Error(Code::OutOfMemory, "out of memory", "engine", "use a smaller batch or more devices")); };
    const auto report_other = [&](const std::string& text) {
        const Error ours(Code::Internal, "internal error, in this program or in LibTorch: " + pipebd::foreign_reason(text),
            "engine", "please report it");
        reporter.report(ours);
        std::fprintf(stderr, "pipebd-engine: error: %s\n", ours.what());
    };
    int status = 1;
    try {
        status = run(argc, argv, reporter);
    } catch (const Error& error) {
        reporter.report(error);
        std::fprintf(stderr, "pipebd-engine: error: %s\n", error.what());
        status = is_request(error.code()) ? 2 : 1;
    } catch (const std::bad_alloc&) {
        report_no_memory();
    } catch (const c10::OutOfMemoryError&) {
        report_no_memory();
    } catch (const c10::Error& error) {
        // what() would make its text now, for which there may be no memory.
        if (pipebd::engine::is_out_of_memory(error))
            report_no_memory();
        else
            report_other(error.msg());
    } catch (const std::exception& error) {
        report_other(error.what());
    }
    reporter.flush();
    std::fflush(nullptr);
    // Threads of the transport may still drop what they held; leaving the ordinary way races with them.
    _exit(status);
}
