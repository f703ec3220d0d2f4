// RunEdits: what people say of runs (tags, notes, that they are deleted) as it is changed from the window: at once on the screen,
// in the lab in another thread, and undone and done again.
//
// A change that the lab refuses is told and taken back. GUI thread.
#pragma once

#include "gui/lab/lab_writer.h"
#include "store/annotation.h"

#include <QObject>
#include <QString>
#include <QStringList>

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

class QUndoStack;

namespace pipebd::gui {

/// Of one run; tags, note or deletion differ.
struct AnnotationChange {
    int run = 0;
    store::Annotation before;
    store::Annotation after;

    AnnotationChange reversed() const { return {run, after, before}; }
};

class RunEdits : public QObject {
    Q_OBJECT

public:
    explicit RunEdits(QObject* parent = nullptr);
    ~RunEdits() override;

    /// Forgets what could be undone in the lab before.
    void openLab(const std::filesystem::path& lab);

    /// `text`: what undo and redo say. `command`: what does the same on the command line, from "pipebd" on.
    void change(const std::vector<AnnotationChange>& changes, const QString& text, const QStringList& command);

    /// Cannot be undone, and nothing before it.
    void purge(const std::vector<int>& runs);

    /// What is on the screen: `scanned`, and over it what has been changed here and may not have been seen by that scan.
    std::map<int, store::Annotation> withOwn(std::map<int, store::Annotation> scanned);

    QUndoStack* undoStack() const { return m_stack; }
    bool isWriting() const { return m_writing > 0; }

signals:
    void annotated(int run, const pipebd::store::Annotation& annotation);
    void done(const QString& text, const QStringList& command);
    void failed(const QString& error);
    void written(); // what was asked for has been tried

private:
    friend class AnnotationCommand;

    struct Own {
        store::Annotation annotation;
        int writes = 0; // under way
        int scans = 0; // since the last of them
    };
    using Then = std::function<void(const std::vector<AnnotationChange>& made, const QString& error)>;

    void write(const std::vector<AnnotationChange>& changes, Then then);
    void show(const AnnotationChange& change);

    std::unique_ptr<LabWriter> m_writer;
    QUndoStack* m_stack;
    std::map<int, Own> m_own;
    int m_writing = 0;
};

} // namespace pipebd::gui
