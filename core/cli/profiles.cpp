#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/named.h"
#include "cli/output_file.h"
#include "cli/print_plan.h"
#include "cli/table.h"

#include <nlohmann/json.hpp>

#include <iostream>

namespace pipebd::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t shown = 60; // bytes of what is long

Json json_of(const store::StoredProfile& profile)
{
    return {{"id", profile.id}, {"pair", profile.key.pair}, {"batch", profile.key.batch}, {"dtype", profile.key.dtype},
        {"devices", profile.key.devices}, {"device", profile.device}, {"conditions", profile.key.conditions},
        {"measured", profile.measured}};
}

std::string text_of(const Json& json)
{
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

void require_id(const std::string& id, const std::string& usage)
{
    if (id.empty())
        throw Error(Code::BadRequest, "no profile given", usage, "give the id of a profile; pipebd profiles list shows them");
}

void require_file(const std::string& file, const std::string& usage)
{
    if (file.empty())
        throw Error(Code::BadRequest, "no file given", usage, "give a profile file (pipebd.profile/1)");
}

schedule::Profile profile_of(const store::Lab& lab, const std::string& id)
{
    if (std::optional<schedule::Profile> profile = lab.profile(lab.profile_of_id(id).key))
        return std::move(*profile);
    throw Error(Code::NotFound, "the profile was deleted meanwhile", "profile " + id);
}

} // namespace

int list_profiles(const Context& context)
{
    const std::vector<store::StoredProfile> profiles = context.existing_lab().profiles();
    if (context.json) {
        Json json = Json::array();
        for (const store::StoredProfile& profile : profiles)
            json.push_back(json_of(profile));
        std::cout << text_of(json) << "\n";
        return 0;
    }
    Table table({"id", "pair", ">batch", "dtype", "devices", "measured", "conditions"});
    for (const store::StoredProfile& profile : profiles)
        table.add(
            {profile.id, printable(profile.key.pair, shown), std::to_string(profile.key.batch), printable(profile.key.dtype, shown),
                printable(profile.key.devices, shown), printable(profile.measured, shown), printable(profile.key.conditions)});
    std::cout << table.text();
    return 0;
}

int show_profile(const Context& context, const std::string& id)
{
    require_id(id, "pipebd profiles show ID");
    const schedule::Profile profile = profile_of(context.existing_lab(), id);
    std::cout << (context.json ? to_json(profile) + "\n" : profile_table(profile));
    return 0;
}

int import_profile(const Context& context, const std::string& file)
{
    require_file(file, "pipebd profiles import FILE");
    const schedule::Profile profile = schedule::profile_from_json(named_by_user([&] { return read_file(file); }), file);
    store::Lab lab = context.writable_lab();
    const std::string origin = printable(std::filesystem::path(file).filename().native(), 200);
    const store::StoredProfile stored = lab.import_profile(profile, origin);
    if (context.json)
        std::cout << text_of(json_of(stored)) << "\n";
    else if (!context.quiet)
        std::cout << "profile " << stored.id << ": " << printable(stored.key.pair) << ", batch " << stored.key.batch << ", "
                  << printable(stored.key.dtype) << " on " << printable(stored.key.devices) << "\n";
    return 0;
}

int export_profile(const Context& context, const StoredProfileOptions& options)
{
    const std::string usage = "pipebd profiles export ID FILE";
    require_id(options.id, usage);
    require_file(options.file, usage);
    const store::Lab lab = context.existing_lab();
    write_output_file(usage, options.file, to_json(profile_of(lab, options.id)) + "\n");
    if (context.json)
        std::cout << text_of(json_of(lab.profile_of_id(options.id))) << "\n";
    return 0;
}

int delete_profile(const Context& context, const std::string& id)
{
    require_id(id, "pipebd profiles delete ID");
    store::Lab lab = context.existing_lab();
    const store::StoredProfile profile = lab.profile_of_id(id);
    lab.delete_profile(id);
    if (context.json)
        std::cout << text_of(json_of(profile)) << "\n";
    return 0;
}

} // namespace pipebd::cli
