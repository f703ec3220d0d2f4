#include "base/checksum.h"

#include "base/error.h"
#include "base/file.h"

#include <openssl/evp.h>

#include <array>

namespace pipebd {

struct Sha256::State {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256()
    : state_(std::make_unique<State>())
{
    if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) != 1)
        throw Error(
            Code::Internal, "SHA-256 is not available", "libcrypto", "install OpenSSL's libcrypto with its default provider");
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes)
{
    if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1)
        throw Error(Code::Internal, "SHA-256 failed", "libcrypto");
}

void Sha256::update(std::string_view text)
{
    update(std::as_bytes(std::span(text)));
}

std::string Sha256::finish()
{
    std::array<unsigned char, 32> digest{};
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) != 1 || length != digest.size())
        throw Error(Code::Internal, "SHA-256 failed at the end", "libcrypto");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned char byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string sha256(std::span<const std::byte> bytes)
{
    Sha256 sum;
    sum.update(bytes);
    return sum.finish();
}

std::string sha256(std::string_view text)
{
    return sha256(std::as_bytes(std::span(text)));
}

std::string sha256_of_file(const std::filesystem::path& file)
{
    const MappedFile mapped(file);
    return sha256(mapped.bytes());
}

} // namespace pipebd
