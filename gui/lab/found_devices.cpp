#include "gui/lab/found_devices.h"

#include "base/units.h"
#include "experiment/devices.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include <algorithm>

namespace pipebd::gui {

namespace {

constexpr int mostDevices = 1024;

bool isGpu(const QString& name)
{
    const std::optional<experiment::Device> device = experiment::device_named(name.toStdString());
    return device && device->kind == experiment::Device::Kind::Cuda;
}

FoundDevice deviceFrom(const QJsonObject& found)
{
    FoundDevice device;
    device.name = found.value(QLatin1String("id")).toString();
    device.cores = found.value(QLatin1String("cores")).toInt();
    device.description = FoundDevices::tr("%1, %2").arg(found.value(QLatin1String("name")).toString(),
        QString::fromStdString(format_bytes(found.value(QLatin1String("memory_bytes")).toInteger())));
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
        if (static_cast<int>(m_devices.size()) < mostDevices && device.toObject().contains(QLatin1String("id")))
            m_devices.push_back(deviceFrom(device.toObject()));
    m_libTorch = found.value(QLatin1String("LibTorch")).toString();
    m_known = !m_devices.empty();
    if (!m_known)
        m_problem = tr("pipebd doctor found no devices; run it in a terminal to see why");
    emit changed();
}

QString FoundDevices::shortText() const
{
    if (!m_known)
        return m_problem.isEmpty() ? tr("looking for devices…") : tr("no devices found");
    const auto gpus = static_cast<int>(
        std::count_if(m_devices.begin(), m_devices.end(), [](const FoundDevice& device) { return isGpu(device.name); }));
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
