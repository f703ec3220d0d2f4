#include "engine/graph/imported_pair.h"

#include "base/checksum.h"
#include "base/error.h"
#include "engine/graph/cut_network.h"
#include "engine/graph/pair_file.h"

namespace pipebd::engine {

namespace {

std::unique_ptr<CutNetwork> opened(const std::filesystem::path& folder, const PairFile::Network& network, const char* blocks_where)
{
    const std::filesystem::path file = folder / network.file;
    if (sha256_of_file(file) != network.sha256)
        throw Error(Code::Damaged, "the model file has changed since it was imported (its SHA-256 differs)", file.string(),
            "import the pair again");
    return open_network(network.kind, file, network.blocks, blocks_where);
}

class ImportedPair final : public Pair {
public:
    explicit ImportedPair(const std::filesystem::path& folder)
        : description_(read_pair_file(folder))
        , teacher_(opened(folder, description_.teacher, "the teacher's blocks in pair.json"))
        , student_(opened(folder, description_.student, "the student's blocks in pair.json"))
    {
        check(*teacher_, folder);
        check(*student_, folder);
    }

    std::string_view name() const override { return description_.name; }
    std::vector<std::string> block_names() const override { return description_.block_names; }
    Input input() const override { return description_.input; }
    int classes() const override { return description_.classes; }
    std::unique_ptr<Block> make_teacher(int block, std::uint64_t) const override { return teacher_->make(block); }
    std::unique_ptr<Block> make_student(int block, std::uint64_t) const override { return student_->make(block); }
    bool teacher_has_weights() const override { return true; }
    std::string_view teacher_weights_sha256() const override { return description_.teacher.sha256; }

private:
    void check(const CutNetwork& network, const std::filesystem::path& folder) const
    {
        const Input input = network.input().value_or(description_.input);
        if (input.shape != description_.input.shape || input.is_text() != description_.input.is_text()
            || network.classes().value_or(description_.classes) != description_.classes
            || network.block_names().size() != description_.block_names.size())
            throw Error(Code::Damaged, "input, classes or blocks of a model differ from those of the pair",
                (folder / pair_file_name).string(), "import the pair again");
    }

    PairFile description_;
    std::unique_ptr<CutNetwork> teacher_;
    std::unique_ptr<CutNetwork> student_;
};

} // namespace

std::shared_ptr<const Pair> open_imported_pair(const std::filesystem::path& folder)
{
    return std::make_shared<ImportedPair>(folder);
}

} // namespace pipebd::engine
