"""What a corpus holds: hours, speakers, phones, places and speeds, in numbers and as a picture."""
