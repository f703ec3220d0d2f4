#include "gui/lab/run_text.h"

#include "gui/kit/icons.h"
#include "gui/kit/theme.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <QStringList>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace pipebd::gui {

namespace {

const QString none = QStringLiteral("–");

QString tr(const char* text)
{
    return QCoreApplication::translate("RunText", text);
}

QDateTime dateTime(const std::string& iso)
{
    QDateTime time = QDateTime::fromString(QString::fromStdString(iso), Qt::ISODateWithMs);
    if (time.timeSpec() == Qt::LocalTime)
        time.setTimeSpec(Qt::UTC); // written without a zone: records are in UTC
    return time;
}

// Emptied with the application object: pixmaps must not outlive it.
std::map<std::pair<store::RunState, QRgb>, QIcon>& drawnIcons()
{
    static std::map<std::pair<store::RunState, QRgb>, QIcon> icons;
    if (icons.empty())
        qAddPostRoutine([] { drawnIcons().clear(); });
    return icons;
}

const char* iconName(store::RunState state)
{
    switch (state) {
    case store::RunState::Queued:
        return "state-queued";
    case store::RunState::Running:
        return "state-running";
    case store::RunState::Finished:
        return "state-finished";
    case store::RunState::Failed:
        return "state-failed";
    case store::RunState::Cancelled:
        return "state-cancelled";
    case store::RunState::Lost:
        break;
    }
    return "state-lost";
}

} // namespace

QString stateWord(store::RunState state)
{
    switch (state) {
    case store::RunState::Queued:
        return tr("Queued");
    case store::RunState::Running:
        return tr("Running");
    case store::RunState::Finished:
        return tr("Finished");
    case store::RunState::Failed:
        return tr("Failed");
    case store::RunState::Cancelled:
        return tr("Cancelled");
    case store::RunState::Lost:
        break;
    }
    return tr("Lost");
}

QColor stateColor(store::RunState state, const QPalette& palette)
{
    const bool dark = isDark(palette);
    switch (state) {
    case store::RunState::Queued:
        return palette.color(QPalette::PlaceholderText);
    case store::RunState::Running:
        return QColor(dark ? 0x56b4e9 : 0x0072b2);
    case store::RunState::Finished:
        return QColor(dark ? 0x2cc295 : 0x00795a);
    case store::RunState::Failed:
        return QColor(dark ? 0xff7a33 : 0xc04a00);
    case store::RunState::Cancelled:
        return QColor(dark ? 0xd9a0be : 0x8f4a70);
    case store::RunState::Lost:
        break;
    }
    return QColor(dark ? 0xe69f00 : 0x9a6a00);
}

QIcon stateIcon(store::RunState state, const QPalette& palette)
{
    const QColor colour = stateColor(state, palette);
    QIcon& icon = drawnIcons()[{state, colour.rgb()}];
    if (icon.isNull())
        icon = tintedIcon(QString::fromLatin1(iconName(state)), colour);
    return icon;
}

QString devicesText(const std::vector<std::string>& devices)
{
    if (devices.empty())
        return none;
    const bool alike
        = std::all_of(devices.begin(), devices.end(), [&](const std::string& device) { return device == devices.front(); });
    if (alike && devices.size() > 2)
        return QStringLiteral("%1 × %2").arg(devices.size()).arg(QString::fromStdString(devices.front()));
    QStringList names;
    for (const std::string& device : devices)
        names << QString::fromStdString(device);
    return names.join(QStringLiteral(", "));
}

QString throughputText(double samplesPerSecond)
{
    if (!(samplesPerSecond > 0))
        return none;
    return tr("%1 samples/s").arg(QLocale().toString(samplesPerSecond, 'f', samplesPerSecond < 100 ? 1 : 0));
}

QString lossText(double loss)
{
    return std::isfinite(loss) ? QLocale().toString(loss, 'g', 4) : none;
}

double meanLoss(const std::vector<double>& byBlock)
{
    if (byBlock.empty())
        return std::numeric_limits<double>::quiet_NaN();
    return std::accumulate(byBlock.begin(), byBlock.end(), 0.0) / static_cast<double>(byBlock.size());
}

QString lossByBlockText(const std::vector<double>& byBlock)
{
    QStringList lines;
    for (std::size_t block = 0; block < byBlock.size(); ++block)
        lines << tr("Block %1: %2").arg(block).arg(lossText(byBlock[block]));
    return lines.join(QLatin1Char('\n'));
}

double epochSeconds(const std::string& iso)
{
    const QDateTime time = dateTime(iso);
    return time.isValid() ? static_cast<double>(time.toMSecsSinceEpoch()) / 1000 : 0;
}

QString timeText(const std::string& iso)
{
    const QDateTime time = dateTime(iso);
    return time.isValid() ? QLocale().toString(time.toLocalTime(), QLocale::ShortFormat) : QString();
}

QString durationText(const store::RunRecord& record)
{
    const QDateTime begin = dateTime(record.started);
    if (!begin.isValid())
        return {};
    QDateTime end = dateTime(record.finished);
    if (!end.isValid()) {
        if (store::is_final(record.state))
            return {};
        end = QDateTime::currentDateTimeUtc();
    }
    const qint64 seconds = std::max<qint64>(0, begin.secsTo(end));
    if (seconds < 60)
        return tr("%1 s").arg(seconds);
    if (seconds < 3600)
        return tr("%1 min %2 s").arg(seconds / 60).arg(seconds % 60);
    return tr("%1 h %2 min").arg(seconds / 3600).arg(seconds / 60 % 60);
}

} // namespace pipebd::gui
