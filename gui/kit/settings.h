// Settings: what the window remembers between starts. A value that cannot be used is replaced by its default, and wasDamaged() says
// so.
#pragma once

#include "gui/kit/axis.h"
#include "gui/kit/theme.h"

#include <QByteArray>
#include <QSettings>
#include <QString>
#include <QStringList>

namespace pipebd::gui {

class Settings {
public:
    /// The user's own.
    Settings();
    /// In `iniFile`; for tests and for drawing pages that do not depend on who is at the keyboard.
    explicit Settings(const QString& iniFile);

    bool wasDamaged() const { return m_damaged; }
    void reportDamage() { m_damaged = true; }

    Theme theme();
    void setTheme(Theme theme);

    XAxis xAxis();
    void setXAxis(XAxis axis);
    double smoothing(); // 0 to 0.999
    void setSmoothing(double weight);
    bool logScale();
    void setLogScale(bool on);

    /// Opaque states of widgets: "window", "layout", "runsHeader", "charts".
    QByteArray state(const QString& widget);
    void setState(const QString& widget, const QByteArray& state);

    /// The folder last used for `purpose`; the home folder if there is none.
    QString folder(const QString& purpose);
    void setFolder(const QString& purpose, const QString& folder);

    QStringList recentExperiments();
    void addRecentExperiment(const QString& file); // to the front; the newest ten are kept
    QStringList recentLabs();
    void addRecentLab(const QString& folder);

private:
    void checkFile();
    QStringList recent(const QString& key);
    void addRecent(const QString& key, const QString& path);

    QSettings m_store;
    bool m_damaged = false;
};

} // namespace pipebd::gui
