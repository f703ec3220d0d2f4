#include "gui/found_devices.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QRegularExpression>

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr int mostDevices = 1024;

// "cpu (Intel Xeon, 8 cores, 31.3 GiB)"
FoundDevice deviceFrom(const QString& text)
{
    static const QRegularExpression cores(QStringLiteral(", (\\d{1,5}) cores?, "));
    FoundDevice device;
    device.name = text.section(QStringLiteral(" ("), 0, 0);
    device.description = text.section(QStringLiteral(" ("), 1);
    if (device.description.endsWith(QLatin1Char(')')))
        device.description.chop(1);
    if (device.name == QLatin1String("cpu"))
        device.cores = cores.match(text).captured(1).toInt();
    return device;
}

} // namespace

FoundDevices::FoundDevices(QObject* parent)
    : QObject(parent)
{
    connect(&m_process, &PipebdProcess::finished, this, &FoundDevices::take);
    connect(&m_process, &PipebdProcess::failed, this, [this](const QString& error) {
        m_problem = error;
        emit changed();
    });
}

void FoundDevices::look(const QString& lab)
{
    if (m_known || m_process.isRunning())
        return;
    m_problem.clear();
    m_process.start({QStringLiteral("doctor"), QStringLiteral("--json"), QStringLiteral("--lab"), lab});
}

void FoundDevices::take(const QByteArray& answer)
{
    const QJsonObject found = QJsonDocument::fromJson(answer).object();
    const QJsonArray devices = found.value(QLatin1String("devices")).toArray();
    for (const QJsonValue& device : devices)
        if (static_cast<int>(m_devices.size()) < mostDevices && !device.toString().isEmpty())
            m_devices.push_back(deviceFrom(device.toString()));
    m_libTorch = found.value(QLatin1String("LibTorch")).toString();
    m_known = !m_devices.empty();
    if (!m_known)
        m_problem = tr("pipebd doctor names no device; start it in a terminal to see what it says");
    emit changed();
}

QString FoundDevices::shortText() const
{
    if (!m_known)
        return m_problem.isEmpty() ? tr("looking for devices…") : tr("no devices found");
    const auto gpus = static_cast<int>(std::count_if(m_devices.begin(), m_devices.end(),
        [](const FoundDevice& device) { return device.name.startsWith(QLatin1String("cuda")); }));
    int cores = 0;
    for (const FoundDevice& device : m_devices)
        cores = std::max(cores, device.cores);
    const QString gpuText = gpus == 0 ? tr("no GPU") : gpus == 1 ? tr("1 GPU") : tr("%1 GPUs").arg(gpus);
    return cores == 0 ? gpuText : tr("%1, %2").arg(gpuText, cores == 1 ? tr("1 core") : tr("%1 cores").arg(cores));
}

QString FoundDevices::longText() const
{
    if (!m_known)
        return m_problem;
    QStringList lines;
    for (const FoundDevice& device : m_devices)
        lines << QStringLiteral("%1: %2").arg(device.name, device.description);
    return lines.join(QLatin1Char('\n'));
}

} // namespace pipebd::gui
