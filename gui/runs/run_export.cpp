#include "gui/runs/run_export.h"

#include "gui/kit/file_dialogs.h"
#include "store/comparison_tables.h"
#include "store/run_timelines.h"

#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <cmath>

namespace pipebd::gui {

namespace {

QString text(std::string_view utf8)
{
    return QString::fromUtf8(utf8.data(), static_cast<qsizetype>(utf8.size()));
}

QJsonValue orNull(const std::string& word)
{
    return word.empty() ? QJsonValue() : QJsonValue(text(word));
}

QJsonArray arrayOf(const std::vector<std::string>& words)
{
    QJsonArray array;
    for (const std::string& word : words)
        array << text(word);
    return array;
}

QJsonArray arrayOf(const std::vector<double>& numbers)
{
    QJsonArray array;
    for (const double number : numbers)
        array << (std::isfinite(number) ? QJsonValue(number) : QJsonValue());
    return array;
}

QByteArray jsonOf(const std::vector<ListedRun>& runs)
{
    QJsonArray all;
    for (const auto& [run, annotation] : runs)
        all << QJsonObject{{"id", run.id}, {"name", text(run.name)}, {"pair", text(run.pair)}, {"strategy", text(run.strategy)},
            {"devices", arrayOf(run.devices)}, {"state", text(to_string(run.state))}, {"started", orNull(run.started)},
            {"throughput", run.throughput}, {"final_loss", arrayOf(run.final_loss)}, {"folder", text(run.folder.string())},
            {"tags", arrayOf(annotation.tags)}, {"note", text(annotation.note)}, {"deleted", orNull(annotation.deleted)}};
    return QJsonDocument(all).toJson();
}

QByteArray csvOf(const std::vector<ListedRun>& runs)
{
    std::vector<store::RunRecord> records;
    std::map<int, store::Annotation> annotations;
    for (const ListedRun& listed : runs) {
        records.push_back(listed.run);
        annotations[listed.run.id] = listed.annotation;
    }
    return QByteArray::fromStdString(store::runs_to_csv(records, annotations));
}

} // namespace

void exportTable(const std::vector<ListedRun>& runs, const QString& file)
{
    const bool json = QFileInfo(file).suffix().compare(QLatin1String("json"), Qt::CaseInsensitive) == 0;
    writeFile(file, json ? jsonOf(runs) : csvOf(runs));
}

void exportTrace(const store::RunRecord& run, const QString& file)
{
    writeFile(file, QByteArray::fromStdString(store::trace_of(run).json));
}

} // namespace pipebd::gui
