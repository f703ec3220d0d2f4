// LabFollower: the list of a lab's runs and what was said of them, read again and again in a thread of its own.
#pragma once

#include "gui/kit/reader_thread.h"
#include "store/lab.h"

#include <QMetaType>
#include <QObject>
#include <QString>

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace pipebd::gui {

using RunRecords = std::shared_ptr<const std::vector<store::RunRecord>>;
using RunAnnotations = std::shared_ptr<const std::map<int, store::Annotation>>; // by run

class LabReader : public QObject {
    Q_OBJECT

public:
    explicit LabReader(std::filesystem::path lab);

public slots:
    void scan();

signals:
    void scanned(pipebd::gui::RunRecords runs, pipebd::gui::RunAnnotations annotations);
    void failed(const QString& error);

private:
    std::filesystem::path m_folder;
    std::unique_ptr<store::Lab> m_lab;
};

class LabFollower : public QObject {
    Q_OBJECT

public:
    explicit LabFollower(const std::filesystem::path& lab, QObject* parent = nullptr);

signals:
    /// Newest first; at least twice a second while reading is fast enough for that.
    void scanned(const pipebd::gui::RunRecords& runs, const pipebd::gui::RunAnnotations& annotations);
    /// The lab cannot be read; tried again later.
    void failed(const QString& error);

private:
    std::unique_ptr<ReaderThread> m_thread;
};

} // namespace pipebd::gui

Q_DECLARE_METATYPE(pipebd::gui::RunRecords)
Q_DECLARE_METATYPE(pipebd::gui::RunAnnotations)
