#include "store/run_folder.h"

#include <charconv>

namespace pipebd::store {
namespace {

constexpr std::size_t longest_name = 60;
constexpr std::size_t digits_of_id = 4;

bool is_plain(char character)
{
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z')
        || (character >= '0' && character <= '9') || character == '.' || character == '_';
}

} // namespace

RunFolder run_folder_from_path(const std::filesystem::path& folder)
{
    const std::string text = folder.filename().string();
    RunFolder result;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), result.id);
    const bool numbered = problem == std::errc() && result.id > 0 && rest != text.data() + text.size() && *rest == '-';
    if (!numbered)
        return {0, text};
    result.name = std::string(rest + 1, text.data() + text.size());
    return result;
}

std::string run_folder_name(int id, std::string_view name, std::string_view otherwise)
{
    std::string plain;
    for (const char character : name.substr(0, longest_name)) {
        if (is_plain(character))
            plain += character;
        else if (!plain.empty() && plain.back() != '-')
            plain += '-';
    }
    while (!plain.empty() && plain.back() == '-')
        plain.pop_back();
    std::string number = std::to_string(id);
    if (number.size() < digits_of_id)
        number.insert(0, digits_of_id - number.size(), '0');
    return number + "-" + (plain.empty() ? std::string(otherwise) : plain);
}

} // namespace pipebd::store
