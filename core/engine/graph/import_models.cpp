#include "engine/graph/import_models.h"

#include "base/error.h"
#include "base/file.h"
#include "base/foreign_error.h"
#include "base/model_file.h"
#include "base/text.h"
#include "engine/graph/examine.h"
#include "engine/graph/pair_file.h"
#include "engine/models/block.h"
#include "engine/report/pulse.h"

#include <nlohmann/json.hpp>

#include <new>

namespace pipebd::engine {

namespace {

using experiment::Metric;
using Json = nlohmann::ordered_json;

constexpr std::string_view request_format = "pipebd.import-request/1";

struct Request {
    struct Network {
        std::filesystem::path file;
        std::string sha256;
        std::string blocks;
    };

    std::string name;
    bool trust = false;
    bool end_to_end = false;
    Input input;
    Network teacher;
    Network student;
};

Request read_request(const std::filesystem::path& file)
{
    try {
        const Json json = Json::parse(read_file(file));
        const auto network = [&](const char* key) {
            const Json& its = json.at(key);
            return Request::Network{
                its.at("file").get<std::string>(), its.at("sha256").get<std::string>(), its.at("blocks").get<std::string>()};
        };
        if (json.at("format") != request_format)
            throw Error(Code::BadRequest, "not an import request", file.string(), "build pipebd and pipebd-engine together");
        return {.name = json.at("name").get<std::string>(),
            .trust = json.at("trust").get<bool>(),
            .end_to_end = json.at("end_to_end").get<bool>(),
            .input
            = {.shape = json.at("input").get<std::vector<std::int64_t>>(), .vocabulary = json.at("vocabulary").get<std::int64_t>()},
            .teacher = network("teacher"),
            .student = network("student")};
    } catch (const Json::exception& error) {
        throw Error(Code::BadRequest, "not an import request (" + foreign_reason(error.what()) + ")", file.string(),
            "build pipebd and pipebd-engine together");
    }
}

ModelKind kind_of(const Request::Network& network, bool trusted)
{
    const ModelFileKind kind = kind_of_model_file(network.file);
    if (kind == ModelFileKind::Exported)
        return ModelKind::Pt2;
    if (kind != ModelFileKind::TorchScript)
        throw refused_as_model(kind, network.file.native());
    if (!trusted)
        throw Error(Code::BadRequest, "this is TorchScript, a program that runs when it is used; its SHA-256 is " + network.sha256,
            network.file.native(), "if you trust it, add --trust; better, export the model with torch.export");
    return ModelKind::TorchScript;
}

PairFile::Network described(const Request::Network& network, ModelKind kind, const std::string& blocks)
{
    return {.file = network.file.filename().string() + (kind == ModelKind::Pt2 ? ".pt2" : ".pt"),
        .kind = kind,
        .sha256 = network.sha256,
        .blocks = blocks};
}

std::string answer(const PairFile& pair, const Examination& examined)
{
    Json blocks = Json::array();
    for (const ExaminedBlock& block : examined.blocks)
        blocks.push_back({{"name", block.name}, {"student_modules", block.student_modules}, {"output_shape", block.output_shape},
            {"teacher_parameters", block.teacher_parameters}, {"student_parameters", block.student_parameters},
            {"gradient_tensors", block.gradient_tensors}, {"without_gradient", block.without_gradient}});
    return Json{{"format", "pipebd.import/1"}, {"pair", Json::parse(to_json(pair))},
        {"weights", {{"teacher", examined.teacher_weights}, {"student", examined.student_weights}}}, {"blocks", std::move(blocks)}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

void import_models(const std::filesystem::path& request_file, Reporter& reporter)
{
    Metric hello;
    hello.type = Metric::Type::Hello;
    reporter.report(std::move(hello));
    reporter.heartbeat(0, "import");
    Pulse pulse(reporter);

    const Request request = read_request(request_file);
    const ModelKind teacher = kind_of(request.teacher, request.trust);
    const ModelKind student = kind_of(request.student, request.trust);
    const Examination examination = examine({request.teacher.file, request.teacher.blocks, teacher},
        {request.student.file, request.student.blocks, student}, request.end_to_end, request.input);

    PairFile pair;
    pair.name = request.name;
    pair.input = examination.input;
    pair.classes = examination.classes;
    for (const ExaminedBlock& block : examination.blocks)
        pair.block_names.push_back(block.name);
    pair.end_to_end_only = request.end_to_end;
    pair.teacher = described(request.teacher, teacher, examination.teacher_blocks);
    pair.student = described(request.student, student, examination.student_blocks);
    Metric found;
    found.type = Metric::Type::Pair;
    found.text = answer(pair, examination);
    reporter.report(std::move(found));
    reporter.flush();
}

} // namespace pipebd::engine
