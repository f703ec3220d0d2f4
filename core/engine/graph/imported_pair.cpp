#include "engine/graph/imported_pair.h"

#include "base/checksum.h"
#include "base/error.h"
#include "engine/graph/cut_program.h"
#include "engine/graph/pair_file.h"

namespace pipebd::engine {

namespace {

std::filesystem::path checked(const std::filesystem::path& folder, const PairFile::Network& network)
{
    const std::filesystem::path file = folder / network.file;
    if (network.kind != ModelKind::Pt2)
        throw Error(Code::BadRequest, "this is a TorchScript model, which is a program", file.string(),
            "import it from torch.export.save, or say that you trust it");
    if (sha256_of_file(file) != network.sha256)
        throw Error(Code::Damaged, "the model is not the one that was imported (its SHA-256 differs)", file.string(),
            "import the pair again");
    return file;
}

class ImportedPair final : public Pair {
public:
    explicit ImportedPair(const std::filesystem::path& folder)
        : description_(read_pair_file(folder))
        , teacher_(checked(folder, description_.teacher), description_.teacher.blocks, "the teacher's blocks in pair.json")
        , student_(checked(folder, description_.student), description_.student.blocks, "the student's blocks in pair.json")
    {
        check(teacher_, folder);
        check(student_, folder);
    }

    std::string_view name() const override { return description_.name; }
    std::vector<std::string> block_names() const override { return description_.block_names; }
    Input input() const override { return description_.input; }
    int classes() const override { return description_.classes; }
    std::unique_ptr<Block> make_teacher(int block, std::uint64_t) const override { return teacher_.make(block); }
    std::unique_ptr<Block> make_student(int block, std::uint64_t) const override { return student_.make(block); }
    bool teacher_has_weights() const override { return true; }
    std::string_view teacher_weights_sha256() const override { return description_.teacher.sha256; }

private:
    void check(const CutProgram& network, const std::filesystem::path& folder) const
    {
        const Input& input = network.program().input();
        if (input.shape != description_.input.shape || input.is_text() != description_.input.is_text()
            || network.program().classes() != description_.classes || network.segments().size() != description_.block_names.size())
            throw Error(Code::Damaged, "input, classes or blocks of a model are not those of the pair",
                (folder / pair_file_name).string(), "import the pair again");
    }

    PairFile description_;
    CutProgram teacher_;
    CutProgram student_;
};

} // namespace

std::shared_ptr<const Pair> open_imported_pair(const std::filesystem::path& folder)
{
    return std::make_shared<ImportedPair>(folder);
}

} // namespace pipebd::engine
