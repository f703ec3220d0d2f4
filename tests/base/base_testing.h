// What the tests of core/base share.
#pragma once

#include "base/error.h"

#include <QTemporaryDir>
#include <QTest>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd {

namespace fs = std::filesystem;

/// The Error that `body` throws; nothing if it throws none.
template <typename Body>
std::optional<Error> errorOf(Body&& body)
{
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

/// The code of that Error; Code::Internal, which no test expects, if there is none.
template <typename Body>
Code codeOf(Body&& body)
{
    const std::optional<Error> error = errorOf(body);
    return error ? error->code() : Code::Internal;
}

inline fs::path pathOf(const QTemporaryDir& folder)
{
    return folder.path().toStdString();
}

inline std::vector<std::string> namesIn(const fs::path& folder)
{
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
        names.push_back(entry.path().filename().string());
    return names;
}

/// A copy of exactly this size on the heap, so that a sanitizer sees every read beyond it.
inline std::vector<std::byte> bytesOf(std::string_view text)
{
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

inline std::string littleEndian(std::uint64_t number)
{
    std::string bytes;
    for (int i = 0; i < 8; ++i)
        bytes += static_cast<char>(number >> (8 * i) & 0xff);
    return bytes;
}

/// A safetensors file: the length of `header`, `header`, `data`.
inline std::string safetensors(std::string_view header, std::string_view data = {})
{
    return littleEndian(header.size()) + std::string(header) + std::string(data);
}

} // namespace pipebd

#define VERIFY_SAYS(error, fragment) QVERIFY2(QByteArray((error)->what()).contains(QByteArray(fragment)), (error)->what())
