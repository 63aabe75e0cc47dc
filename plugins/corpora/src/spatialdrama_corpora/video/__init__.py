"""Silent video of a speaker: a camera, a head with a moving mouth, and H.264 in and out.

What lives here: pinhole projection, figures and rooms painted by numpy alone, and an ffmpeg
executable that is run. What may not: tracking and models, which read such videos elsewhere.
"""

from .appearance import Appearance
from .camera import Camera, in_view, project
from .film import Talker, render_frames, render_video
from .frames import VideoFacts, iter_frames, read_frames, video_facts
from .h264 import write_video
from .opening import mouth_opening
from .prompt import mouth_shown, video_prompt

__all__ = [
    "Appearance",
    "Camera",
    "Talker",
    "VideoFacts",
    "in_view",
    "iter_frames",
    "mouth_opening",
    "mouth_shown",
    "project",
    "read_frames",
    "render_frames",
    "render_video",
    "video_facts",
    "video_prompt",
    "write_video",
]
