#include "gui/kit/settings.h"

#include <QDir>
#include <QFileInfo>

namespace pipebd::gui {

namespace {

constexpr double defaultSmoothing = 0.6;
constexpr qsizetype recentKept = 10;

QString stateKey(const QString& widget)
{
    return QStringLiteral("state/") + widget;
}

QString folderKey(const QString& purpose)
{
    return QStringLiteral("folders/") + purpose;
}

} // namespace

Settings::Settings()
    : m_store(QSettings::IniFormat, QSettings::UserScope, QStringLiteral("pipebd"), QStringLiteral("workbench"))
{
    checkFile();
}

Settings::Settings(const QString& iniFile)
    : m_store(iniFile, QSettings::IniFormat)
{
    checkFile();
}

void Settings::checkFile()
{
    m_store.allKeys(); // parses the whole file, which is put off otherwise
    m_damaged = m_store.status() == QSettings::FormatError;
}

Theme Settings::theme()
{
    const QString name = m_store.value(QStringLiteral("theme"), nameOf(Theme::System)).toString();
    const std::optional<Theme> theme = themeFromName(name);
    m_damaged |= !theme;
    return theme.value_or(Theme::System);
}

void Settings::setTheme(Theme theme)
{
    m_store.setValue(QStringLiteral("theme"), nameOf(theme));
}

XAxis Settings::xAxis()
{
    const QString name = m_store.value(QStringLiteral("charts/x"), QStringLiteral("step")).toString();
    m_damaged |= name != QLatin1String("step") && name != QLatin1String("time");
    return name == QLatin1String("time") ? XAxis::Time : XAxis::Step;
}

void Settings::setXAxis(XAxis axis)
{
    m_store.setValue(QStringLiteral("charts/x"), axis == XAxis::Time ? QStringLiteral("time") : QStringLiteral("step"));
}

double Settings::smoothing()
{
    bool isNumber = false;
    const double weight = m_store.value(QStringLiteral("charts/smoothing"), defaultSmoothing).toDouble(&isNumber);
    const bool usable = isNumber && weight >= 0 && weight <= 0.999;
    m_damaged |= !usable;
    return usable ? weight : defaultSmoothing;
}

void Settings::setSmoothing(double weight)
{
    m_store.setValue(QStringLiteral("charts/smoothing"), weight);
}

bool Settings::logScale()
{
    return m_store.value(QStringLiteral("charts/log"), false).toBool();
}

void Settings::setLogScale(bool on)
{
    m_store.setValue(QStringLiteral("charts/log"), on);
}

QByteArray Settings::state(const QString& widget)
{
    return m_store.value(stateKey(widget)).toByteArray();
}

void Settings::setState(const QString& widget, const QByteArray& state)
{
    m_store.setValue(stateKey(widget), state);
}

QString Settings::folder(const QString& purpose)
{
    const QString folder = m_store.value(folderKey(purpose)).toString();
    return QFileInfo(folder).isDir() ? folder : QDir::homePath();
}

void Settings::setFolder(const QString& purpose, const QString& folder)
{
    m_store.setValue(folderKey(purpose), folder);
}

QStringList Settings::recent(const QString& key)
{
    QStringList paths = m_store.value(key).toStringList();
    paths.removeIf([](const QString& path) { return !QFileInfo::exists(path); });
    return paths;
}

void Settings::addRecent(const QString& key, const QString& path)
{
    QStringList paths = recent(key);
    const QString absolute = QFileInfo(path).absoluteFilePath();
    paths.removeAll(absolute);
    paths.prepend(absolute);
    m_store.setValue(key, QStringList(paths.mid(0, recentKept)));
}

QStringList Settings::recentExperiments()
{
    return recent(QStringLiteral("recent"));
}

void Settings::addRecentExperiment(const QString& file)
{
    addRecent(QStringLiteral("recent"), file);
}

QStringList Settings::recentLabs()
{
    return recent(QStringLiteral("recentLabs"));
}

void Settings::addRecentLab(const QString& folder)
{
    addRecent(QStringLiteral("recentLabs"), folder);
}

} // namespace pipebd::gui
