// StartChoice: what is to be started, as far as it is typed and read, and whether it can be; without a window.
//
// Whoever shows it says what happens: another file, something typed, what the files tell, that pipebd refuses, that Start is
// pressed. What is typed stays in the fields, and is handed over where it counts. One thread.
#pragma once

#include "gui/lab/launcher.h"
#include "gui/start/start_reading.h"

#include <QString>
#include <QStringList>

namespace pipebd::gui {

/// The fields as they stand; an empty one leaves to the file what it says.
struct StartFields {
    QString file;
    QString name;
    QString checkpoint;
    QString strategy;
    QString devices;
    QString lengthKey; // "train.epochs" or "train.steps"
    QString length;
    QString profile; // a file, or the id of a stored one
    QString stage; // "distil,finetune"
    QString from;
    QStringList others; // "data.batch=32"
};

class StartChoice {
public:
    /// Takes over what `request` says that has no field, or none yet. Returns what its settings leave to fields: a name, if they
    /// have one, and the others.
    StartFields take(const StartRequest& request);

    int resume() const { return m_resume; } // the run to go on from; 0: none
    const QString& placement() const { return m_placement; } // stages by hand
    void leaveOutPlacement() { m_placement.clear(); }
    /// What a request wants of lists that the file fills.
    const QString& wantedStage() const { return m_wantedStage; }
    const QString& wantedCheckpoint() const { return m_wantedCheckpoint; }

    void fileChanged();
    /// Whatever was refused or waited for counts no longer.
    void fieldChanged();
    /// There is something to read.
    bool isNamed(const StartFields& fields) const { return m_resume > 0 || !fields.file.isEmpty(); }
    void read(const StartReading& reading, const StartFields& fields);
    void refuse() { m_refused = true; }

    /// The lists have not been filled from the file yet: what a request wants of them counts.
    bool isNewFile() const { return m_newFile; }
    void listsFilled() { m_newFile = false; }

    bool isUsable() const { return m_usable; } // as far as the files tell
    bool canStart() const { return m_usable && !m_refused; }

    /// Start has been pressed. True: it starts now; else it starts once what is typed has been read, if that `isReading`, or not at
    /// all.
    bool start(bool isReading);
    /// Once what is typed has been read: whether it starts now because Start had been pressed before. Asking forgets it.
    bool startsOnceRead();

    /// Valid while canStart().
    StartRequest request(const StartFields& fields) const;

    /// Whether there is anything to choose of stages, and whether the first may begin with another run's results.
    bool offersStages(const QStringList& stages, const StartFields& fields) const;
    bool offersFrom(const QStringList& stages, const StartFields& fields) const;

private:
    QStringList settings(const StartFields& fields) const;

    int m_resume = 0;
    QString m_placement;
    QString m_wantedStage;
    QString m_wantedCheckpoint;
    bool m_newFile = true;
    bool m_usable = false;
    bool m_refused = false; // by pipebd
    bool m_startWhenRead = false;
};

/// The stages that follow one another of `stages`, but all of them: from the first on, the longest first.
QList<QStringList> partsOf(const QStringList& stages);

} // namespace pipebd::gui
