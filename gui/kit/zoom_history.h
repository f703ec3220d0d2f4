// ZoomHistory: the views that the user has left, and the way back and forth between them.
#pragma once

#include <QElapsedTimer>

#include <utility>
#include <vector>

namespace pipebd::gui {

enum class Gesture { Wheel, Drag, Keys, Jump };

template <typename View>
class ZoomHistory {
public:
    /// To be called before the user changes `view`. A turn of the wheel is many changes and one entry: changes by the same gesture
    /// in quick succession count once, jumps each.
    void leave(const View& view, Gesture gesture)
    {
        const bool goesOn = gesture != Gesture::Jump && gesture == m_gesture && m_since.isValid() && m_since.elapsed() < 700;
        m_gesture = gesture;
        m_since.start();
        if (goesOn && !m_back.empty())
            return;
        m_back.push_back(view);
        m_forward.clear();
    }

    bool canGoBack() const { return !m_back.empty(); }
    bool canGoForward() const { return !m_forward.empty(); }

    /// The one before `view`; `view` itself if there is none.
    View back(const View& view) { return step(m_back, m_forward, view); }
    View forward(const View& view) { return step(m_forward, m_back, view); }

    void clear()
    {
        m_back.clear();
        m_forward.clear();
        m_since.invalidate();
    }

private:
    View step(std::vector<View>& from, std::vector<View>& to, const View& view)
    {
        m_since.invalidate();
        if (from.empty())
            return view;
        to.push_back(view);
        View next = std::move(from.back());
        from.pop_back();
        return next;
    }

    std::vector<View> m_back;
    std::vector<View> m_forward;
    QElapsedTimer m_since;
    Gesture m_gesture = Gesture::Jump;
};

} // namespace pipebd::gui
