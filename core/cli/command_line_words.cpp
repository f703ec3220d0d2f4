// What CLI11 says, help and refusals, in words of this program.
#include "base/foreign_error.h"
#include "base/text.h"
#include "cli/parsed.h"

#include <algorithm>

namespace pipebd::cli {

namespace {

std::vector<std::string> names_of_options(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* of = &app; of != nullptr; of = of->get_parent())
        for (const CLI::Option* option : of->get_options())
            if (option->nonpositional())
                names.push_back(option->get_name());
    return names;
}

std::vector<std::string> names_of_commands(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

/// The innermost command that was named.
const CLI::App& named_command(const CLI::App& app)
{
    const std::vector<CLI::App*> named = app.get_subcommands();
    return named.empty() ? app : named_command(*named.back());
}

Error unexpected(const std::string& argument, const CLI::App& command)
{
    const bool is_option = argument.size() > 1 && argument.front() == '-';
    std::vector<std::string> names = is_option ? names_of_options(command) : names_of_commands(command);
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string_view meant = nearest(std::string_view(argument).substr(0, argument.find('=')), known);
    std::string remedy = known.empty() ? "leave it out" : "known are " + joined(known);
    if (!meant.empty())
        remedy = "did you mean " + std::string(meant) + "?";
    const char* what = is_option ? "unknown option " : known.empty() ? "unexpected argument " : "unknown command ";
    return {Code::BadRequest, what + in_quotes(argument), command_of(command), remedy};
}

/// The option that `text`, of CLI11, is about: it begins with its name, or says "Could not convert: NAME = VALUE"; of `command` or
/// of those it belongs to.
const CLI::Option* option_in(std::string text, const CLI::App& command)
{
    constexpr std::string_view conversion = "Could not convert: ";
    if (text.starts_with(conversion))
        text.erase(0, conversion.size());
    const std::string name = text.substr(0, text.find_first_of(": "));
    for (const CLI::App* of = &command; of != nullptr; of = of->get_parent())
        for (const CLI::Option* option : of->get_options())
            if (option->check_name(name))
                return option;
    return nullptr;
}

/// What CLI11 has against the values of `option`.
Error error_about(const CLI::Option& option, const CLI::ParseError& error, const std::string& where)
{
    const std::string& name = option.get_name();
    const std::string text = error.what();
    if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr)
        return {Code::BadRequest, name + " cannot be combined with " + text.substr(text.rfind(' ') + 1), where,
            "leave one of them out"};
    if (option.get_type_name().empty())
        return {Code::BadRequest, name + " takes no value", where, "leave the value out"};
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr && !option.results().empty())
        return {Code::BadRequest, in_quotes(option.results().back()) + " is not a number that is allowed here", name,
            "give " + option.get_type_name() + " as a number, such as 4"};
    if (option.results().size() > 1)
        return {Code::BadRequest, name + " is given more than once", where, "give it once"};
    return {Code::BadRequest, name + " has no value", where, "give " + name + " " + option.get_type_name()};
}

bool is_required(const CLI::Option& option)
{
    return option.get_positional() ? option.get_group() != optional_group : option.get_group() == required_group;
}

std::string usage_of(const CLI::Option& option)
{
    if (!option.get_positional())
        return option.get_name() + " " + option.get_type_name();
    const bool many = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
    const std::string text = option.get_type_name() + (many ? "..." : "");
    return is_required(option) ? text : "[" + text + "]";
}

} // namespace

std::string command_of(const CLI::App& app)
{
    return app.get_parent() ? command_of(*app.get_parent()) + " " + app.get_name() : app.get_name();
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const
{
    std::string text = "Usage: " + (name.empty() ? command_of(*app) : name);
    bool options = false;
    for (const CLI::Option* option : app->get_options()) {
        if (option->nonpositional() && is_required(*option))
            text += " " + usage_of(*option);
        else
            options = options || option->nonpositional();
    }
    if (options)
        text += " [OPTIONS]";
    for (const CLI::Option* option : app->get_options())
        if (option->get_positional())
            text += " " + usage_of(*option);
    if (!app->get_subcommands([](const CLI::App*) { return true; }).empty())
        text += app->get_parent() == nullptr ? " COMMAND" : " [COMMAND]"; // the inner ones list
    return text + "\n";
}

Error error_from(const CLI::ParseError& error, const CLI::App& app)
{
    const CLI::App& command = named_command(app);
    const std::string where = command_of(command);
    const std::vector<std::string> rest = app.remaining(true);
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !rest.empty())
        return unexpected(rest.front(), command);
    const std::string text = error.what();
    if (const CLI::Option* option = option_in(text, command))
        return error_about(*option, error, where);
    return {Code::BadRequest, "invalid command line (" + foreign_reason(text) + ")", where, "see " + where + " --help"};
}

} // namespace pipebd::cli
