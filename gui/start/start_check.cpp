#include "gui/start/start_check.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>

#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto rest = 500ms;

}

StartCheck::StartCheck(QString lab, QObject* parent)
    : QObject(parent)
    , m_lab(std::move(lab))
{
    m_rest.setSingleShot(true);
    m_rest.setInterval(rest);
    connect(&m_rest, &QTimer::timeout, this, &StartCheck::begin);
    connect(&m_process, &PipebdProcess::finished, this, &StartCheck::take);
    connect(&m_process, &PipebdProcess::failed, this, &StartCheck::refused);
}

void StartCheck::ask(const StartRequest& request)
{
    forget();
    m_request = request;
    m_rest.start();
}

void StartCheck::forget()
{
    m_rest.stop();
    m_process.cancel();
}

void StartCheck::begin()
{
    m_process.start(runArguments(m_request, m_lab) + QStringList{QStringLiteral("--check"), QStringLiteral("--json")});
    emit began();
}

void StartCheck::take(const QByteArray& answer)
{
    const QJsonObject checked = QJsonDocument::fromJson(answer).object();
    if (!checked.contains(QLatin1String("steps"))) {
        emit refused(tr("Unexpected answer from pipebd; install pipebd and pipebd-workbench of the same version"));
        return;
    }
    const auto number = [&](const char* key) { return QLocale().toString(checked.value(QLatin1String(key)).toInteger()); };
    const QJsonArray devices = checked.value(QLatin1String("devices")).toArray();
    QString words = tr("%1 steps on %2; %3 training and %4 test samples")
                        .arg(number("steps"), devices.size() == 1 ? tr("1 device") : tr("%1 devices").arg(devices.size()),
                            number("train_samples"), number("test_samples"));
    const qint64 repeated = checked.value(QLatin1String("steps_repeated")).toInteger();
    if (!checked.value(QLatin1String("resumed_from")).isNull() && checked.contains(QLatin1String("steps_repeated")))
        words += (repeated == 0 ? tr("; resumes from step %1, none repeated") : tr("; resumes from step %1, %2 repeated"))
                     .arg(number("steps_done"))
                     .arg(QLocale().toString(repeated));
    emit agreed(words);
}

} // namespace pipebd::gui
