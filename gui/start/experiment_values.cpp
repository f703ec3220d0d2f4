#include "gui/start/experiment_values.h"

#include <QJsonDocument>
#include <QJsonObject>

namespace pipebd::gui {

namespace {

QString textOf(const QJsonValue& value)
{
    if (value.isBool())
        return value.toBool() ? QStringLiteral("true") : QStringLiteral("false");
    if (!value.isDouble())
        return value.toString();
    const QVariant number = value.toVariant();
    return number.typeId() == QMetaType::Double ? QString::number(number.toDouble(), 'g', QLocale::FloatingPointShortest)
                                                : number.toString();
}

void collect(const QJsonObject& object, const QString& prefix, std::map<QString, QString>& values)
{
    for (auto member = object.begin(); member != object.end(); ++member) {
        const QString key = prefix + member.key();
        if (member.value().isObject())
            collect(member.value().toObject(), key + QLatin1Char('.'), values);
        else
            values[key] = textOf(member.value());
    }
}

} // namespace

std::map<QString, QString> valuesOf(const experiment::Experiment& experiment)
{
    std::map<QString, QString> values;
    collect(QJsonDocument::fromJson(QByteArray::fromStdString(experiment::to_json(experiment))).object(), {}, values);
    return values;
}

const QStringList& experimentKeys()
{
    static const QStringList keys = [] {
        QStringList all;
        for (const auto& [key, value] : valuesOf({}))
            all << key;
        return all;
    }();
    return keys;
}

} // namespace pipebd::gui
