// A second reader of safetensors, written from the format's description alone, that only says whether a file keeps its rules.
// Slow and simple: recursive descent over the header, then every byte of the data is counted.
#pragma once

#include <QStringDecoder>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pipebd {

__extension__ typedef unsigned __int128 Wide;

class SafetensorsOracle {
public:
    struct Tensor {
        std::string dtype;
        std::vector<std::uint64_t> shape;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    /// The tensors by name, or nothing if a rule is broken.
    static std::optional<std::map<std::string, Tensor>> read(std::string_view file)
    {
        try {
            return SafetensorsOracle(file).tensors_;
        } catch (const Broken&) {
            return std::nullopt;
        }
    }

private:
    struct Broken : std::runtime_error {
        using std::runtime_error::runtime_error;
    };

    explicit SafetensorsOracle(std::string_view file)
    {
        require(file.size() >= 8);
        std::uint64_t length = 0;
        for (int i = 7; i >= 0; --i)
            length = length * 256 + static_cast<unsigned char>(file[static_cast<std::size_t>(i)]);
        require(length >= 2 && length <= 100'000'000 && length <= file.size() - 8);
        text_ = file.substr(8, length);
        QStringDecoder decoder(QStringDecoder::Utf8, QStringDecoder::Flag::Stateless);
        const QString decoded = decoder(QByteArrayView(text_.data(), static_cast<qsizetype>(text_.size())));
        require(!decoder.hasError() && !decoded.isNull() && text_[0] == '{');
        header();
        while (at_ < text_.size())
            require(text_[at_++] == ' ');
        data(file.size() - 8 - length);
    }

    static void require(bool holds)
    {
        if (!holds)
            throw Broken("a rule");
    }

    void header()
    {
        object([this](const std::string& name) {
            if (name == "__metadata__") {
                require(!std::exchange(metadata_, true));
                std::set<std::string> keys;
                object([&](const std::string& key) {
                    require(keys.insert(key).second);
                    string();
                });
            } else {
                require(!tensors_.contains(name));
                tensors_[name] = tensor();
            }
        });
    }

    Tensor tensor()
    {
        Tensor result;
        std::set<std::string> keys;
        object([&](const std::string& key) {
            require(keys.insert(key).second);
            if (key == "dtype") {
                result.dtype = string();
            } else if (key == "shape") {
                result.shape = numbers();
            } else {
                require(key == "data_offsets");
                const auto offsets = numbers();
                require(offsets.size() == 2);
                result.begin = offsets[0];
                result.end = offsets[1];
            }
        });
        require(keys.size() == 3);
        return result;
    }

    void data(std::uint64_t size)
    {
        static const std::map<std::string, unsigned> sizes = {
            {"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"I16", 2}, {"F16", 2}, {"BF16", 2}, {"I32", 4}, {"F32", 4}, {"I64", 8}, {"F64", 8}};
        std::vector<int> covered(size, 0);
        for (const auto& [name, tensor] : tensors_) {
            require(sizes.contains(tensor.dtype));
            bool none = false;
            Wide bytes = sizes.at(tensor.dtype);
            for (std::uint64_t n : tensor.shape)
                none = none || n == 0;
            for (std::uint64_t n : tensor.shape) {
                require(n < std::uint64_t{1} << 63);
                bytes = none ? 0 : bytes * n;
                require(bytes < static_cast<Wide>(1) << 64);
            }
            require(tensor.begin <= tensor.end && tensor.end <= size && tensor.end - tensor.begin == bytes);
            for (std::uint64_t i = tensor.begin; i < tensor.end; ++i)
                ++covered[i];
        }
        for (int times : covered)
            require(times == 1);
        for (const auto& [name, empty] : tensors_) // of no bytes, but still not inside another
            for (const auto& [other, tensor] : tensors_)
                require(empty.begin != empty.end || empty.begin <= tensor.begin || empty.begin >= tensor.end);
    }

    void space()
    {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }

    bool accept(char c)
    {
        space();
        if (at_ < text_.size() && text_[at_] == c) {
            ++at_;
            return true;
        }
        return false;
    }

    template <typename Member>
    void object(Member member)
    {
        require(accept('{'));
        if (accept('}'))
            return;
        do {
            const std::string key = string();
            require(accept(':'));
            member(key);
        } while (accept(','));
        require(accept('}'));
    }

    std::vector<std::uint64_t> numbers()
    {
        std::vector<std::uint64_t> list;
        require(accept('['));
        if (accept(']'))
            return list;
        do {
            space();
            std::string digits;
            while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
                digits += text_[at_++];
            require(!digits.empty() && (digits.size() == 1 || digits[0] != '0') && digits.size() <= 20);
            Wide number = 0;
            for (char digit : digits)
                number = number * 10 + static_cast<unsigned>(digit - '0');
            require(number < static_cast<Wide>(1) << 64);
            list.push_back(static_cast<std::uint64_t>(number));
        } while (accept(','));
        require(accept(']'));
        return list;
    }

    std::string string()
    {
        require(accept('"'));
        std::string text;
        while (true) {
            require(at_ < text_.size());
            const char c = text_[at_++];
            if (c == '"')
                return text;
            require(static_cast<unsigned char>(c) >= 0x20);
            if (c != '\\') {
                text += c;
                continue;
            }
            require(at_ < text_.size());
            const char escape = text_[at_++];
            const std::size_t known = std::string_view("\"\\/bfnrt").find(escape);
            if (known != std::string_view::npos)
                text += "\"\\/\b\f\n\r\t"[known];
            else
                text += unicode(escape);
        }
    }

    std::string unicode(char escape)
    {
        require(escape == 'u' && at_ + 4 <= text_.size());
        bool ok = false;
        const ushort unit = QByteArray(text_.data() + at_, 4).toUShort(&ok, 16);
        require(ok && !QChar::isSurrogate(unit)); // pairs do not come up here
        at_ += 4;
        return QString(QChar(unit)).toStdString();
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool metadata_ = false;
    std::map<std::string, Tensor> tensors_;
};

} // namespace pipebd
