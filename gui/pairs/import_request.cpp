#include "gui/pairs/import_request.h"

#include "base/error.h"
#include "gui/pairs/pair_description.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>

namespace pipebd::gui {

namespace {

QString words(const char* text)
{
    return QCoreApplication::translate("ImportReport", text);
}

Cell wholeNumber(double count)
{
    return {QLocale().toString(count, 'f', 0), count};
}

} // namespace

QStringList importArguments(const ImportRequest& request)
{
    QStringList arguments{QStringLiteral("pairs"), QStringLiteral("import"), QStringLiteral("--teacher"), request.teacher,
        QStringLiteral("--student"), request.student, QStringLiteral("--name"), request.name};
    const auto add = [&](const char* option, const QString& value) {
        if (!value.isEmpty())
            arguments << QLatin1String(option) << value;
    };
    add("--teacher-blocks", request.teacherBlocks);
    add("--student-blocks", request.studentBlocks);
    add("--input", request.input);
    add("--vocabulary", request.vocabulary > 0 ? QString::number(request.vocabulary) : QString());
    if (request.endToEnd)
        arguments << QStringLiteral("--end-to-end");
    if (request.trust)
        arguments << QStringLiteral("--trust");
    return arguments;
}

std::vector<Column> importColumns()
{
    return {{words("Block"), {}, true}, {words("Teacher"), words("Modules of the teacher block")},
        {words("Student"), words("Modules of the student block")}, {words("Output"), words("Output shape for one sample")},
        {words("T parameters"), words("Parameters of the teacher"), true},
        {words("S parameters"), words("Parameters of the student"), true},
        {words("Gradients"), words("Student tensors that receive a gradient")}};
}

ImportReport importReportFromJson(const QByteArray& json)
{
    const QJsonObject answer = QJsonDocument::fromJson(json).object();
    const QJsonArray blocks = answer.value(QLatin1String("blocks")).toArray();
    ImportReport report;
    report.name = answer.value(QLatin1String("name")).toString();
    report.folder = answer.value(QLatin1String("folder")).toString();
    report.sha256 = answer.value(QLatin1String("sha256")).toString();
    if (report.name.isEmpty() || blocks.isEmpty())
        throw Error(Code::Protocol, "unexpected answer from pipebd", "pipebd pairs import --json",
            "install pipebd and pipebd-workbench of the same version");
    for (const QJsonValue& value : blocks) {
        const QJsonObject block = value.toObject();
        const auto count = [&](const char* key) { return block.value(QLatin1String(key)).toDouble(); };
        const auto text = [&](const char* key) { return block.value(QLatin1String(key)).toString(); };
        Shape output;
        for (const QJsonValue& size : block.value(QLatin1String("output_shape")).toArray())
            output.push_back(size.toInteger());
        const QJsonArray without = block.value(QLatin1String("without_gradient")).toArray();
        const double all = count("gradient_tensors") + static_cast<double>(without.size());
        const int index = static_cast<int>(report.blocks.size());
        for (const QJsonValue& name : without)
            report.remarks << words("No gradient reaches %1 in student block %2.").arg(name.toString(), QString::number(index));
        report.blocks.push_back({QString::number(index),
            {wholeNumber(index), {text("name")}, {text("student_modules")}, {shapeText(output)},
                wholeNumber(count("teacher_parameters")), wholeNumber(count("student_parameters")),
                {without.isEmpty() ? words("all %1").arg(all) : words("%1 of %2").arg(count("gradient_tensors")).arg(all),
                    count("gradient_tensors")}}});
    }
    return report;
}

} // namespace pipebd::gui
