#include "gui/start/start_choice.h"

#include <QFileInfo>

#include <utility>

namespace pipebd::gui {

namespace {

const QString byHandKey = QStringLiteral("run.stages=");

// pipebd works in the folder of the lab
QString absolute(const QString& file)
{
    return file.isEmpty() ? QString() : QFileInfo(file).absoluteFilePath();
}

} // namespace

StartFields StartChoice::take(const StartRequest& request)
{
    m_resume = request.resume;
    m_wantedStage = request.stage;
    m_wantedCheckpoint = request.checkpoint;
    StartFields fields;
    for (const QString& setting : request.settings) {
        if (setting.startsWith(byHandKey))
            m_placement = setting.mid(byHandKey.size());
        else if (setting.startsWith(QLatin1String("name=")))
            fields.name = setting.section(QLatin1Char('='), 1);
        else
            fields.others << setting;
    }
    return fields;
}

void StartChoice::fileChanged()
{
    m_newFile = true;
    m_usable = false;
}

void StartChoice::fieldChanged()
{
    m_refused = false;
    m_startWhenRead = false;
}

void StartChoice::read(const StartReading& reading, const StartFields& fields)
{
    m_usable = isNamed(fields) && reading.resolved && reading.problem.isEmpty();
}

bool StartChoice::start(bool isReading)
{
    if (m_refused)
        return false;
    if (isReading)
        m_startWhenRead = true;
    return !isReading && m_usable;
}

bool StartChoice::startsOnceRead()
{
    return std::exchange(m_startWhenRead, false) && m_usable;
}

QStringList StartChoice::settings(const StartFields& fields) const
{
    QStringList settings = fields.others;
    if (!m_placement.isEmpty())
        settings << byHandKey + m_placement;
    if (!fields.name.trimmed().isEmpty())
        settings << QStringLiteral("name=") + fields.name.trimmed();
    if (!fields.length.trimmed().isEmpty())
        settings << fields.lengthKey + QLatin1Char('=') + fields.length.trimmed();
    return settings;
}

StartRequest StartChoice::request(const StartFields& fields) const
{
    const QString profile = fields.profile.trimmed();
    StartRequest request;
    request.file = absolute(fields.file);
    request.strategy = fields.strategy;
    request.devices = fields.devices.trimmed();
    request.settings = settings(fields);
    request.profile = QFileInfo(profile).isFile() ? absolute(profile) : profile; // else it is a stored one's id
    request.stage = m_newFile ? m_wantedStage : fields.stage;
    request.from = fields.from.toInt();
    request.resume = m_resume;
    request.checkpoint = m_newFile ? m_wantedCheckpoint : fields.checkpoint;
    return request;
}

bool StartChoice::offersStages(const QStringList& stages, const StartFields& fields) const
{
    return stages.size() > 1 || !m_wantedStage.isEmpty() || !fields.from.isEmpty();
}

bool StartChoice::offersFrom(const QStringList& stages, const StartFields& fields) const
{
    return offersStages(stages, fields) && m_resume == 0;
}

QList<QStringList> partsOf(const QStringList& stages)
{
    QList<QStringList> parts;
    for (qsizetype first = 0; first < stages.size(); ++first)
        for (qsizetype count = stages.size() - first; count > 0; --count)
            if (count < stages.size())
                parts << stages.mid(first, count);
    return parts;
}

} // namespace pipebd::gui
