// RunFollower: the GUI-thread end of reading a run, live or ended. Every sample is delivered once, in the order it was stored.
#pragma once

#include "gui/kit/reader_thread.h"
#include "gui/lab/run_update.h"

#include <QObject>
#include <QSemaphore>
#include <QString>

#include <filesystem>
#include <memory>

namespace pipebd::gui {

class RunFollower : public QObject {
    Q_OBJECT

public:
    explicit RunFollower(const std::filesystem::path& runFolder, QObject* parent = nullptr);

signals:
    void updated(const pipebd::gui::RunUpdate& update);
    void failed(const QString& error); // nothing follows

private:
    std::shared_ptr<QSemaphore> m_credits;
    std::unique_ptr<ReaderThread> m_thread;
};

} // namespace pipebd::gui
